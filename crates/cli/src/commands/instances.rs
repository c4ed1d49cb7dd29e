//! `imc ps`, `logs`, `stop`, `rm`.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use metastore::{InstanceFilter, InstanceRef};
use model::{Event, EventKind, EventReason, ExitStatus, Instance, InstanceState, Subject};
use node::{LogLine, LogStream};

use super::reconcile::{all_instances, blocking, reconcile, record_exit, wait_and_remove};
use crate::app::App;
use crate::args::{LogsArgs, RmArgs, StopArgs};
use crate::documents;
use crate::exit::Failure;
use crate::printer::Printer;

/// The instance that a word (id or name) means.
pub(crate) async fn find_instance(app: &App, word: &str) -> Result<Instance, Failure> {
    let unknown = || {
        let message = format!("failed to find `{word}`: there is no instance of that name or id");
        Failure::not_found(message, "`imc ps -a` lists the instances")
    };
    let wanted = match (word.parse(), word.parse()) {
        (Ok(id), _) => InstanceRef::Id(id),
        (_, Ok(name)) => InstanceRef::Name(name),
        _ => return Err(unknown()),
    };
    match app.records.instance(&app.account, &wanted).await {
        Err(error) if error.kind() == metastore::ErrorKind::NotFound => Err(unknown()),
        found => Ok(found?),
    }
}

pub(crate) async fn ps(app: &App, all: bool, printer: &Printer) -> Result<ExitCode, Failure> {
    reconcile(app, printer).await?;
    let instances = all_instances(
        app,
        &InstanceFilter { account: Some(app.account.clone()), unfinished: !all, ..InstanceFilter::default() },
    )
    .await?;
    let rows: Vec<Vec<String>> = instances
        .iter()
        .map(|one| {
            let started = one.started.map_or_else(|| "-".to_owned(), |time| time.to_string());
            let pid = one.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
            let (image, command) = (one.image.to_string(), one.command.join(" "));
            vec![
                one.name.to_string(),
                one.id.to_string(),
                one.state.to_string(),
                pid,
                started,
                image,
                command,
            ]
        })
        .collect();
    let documents: Vec<documents::Instance> = documents::all(&instances);
    printer.table(&documents, &["NAME", "ID", "STATE", "PID", "STARTED", "IMAGE", "COMMAND"], &rows);
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn logs(app: &App, args: &LogsArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let instance = find_instance(app, &args.instance).await?;
    let (instances, follow) = (app.instances.clone(), args.follow);
    let printer = printer.clone();
    let mut print = move |line: LogLine| {
        let written = print_line(&line);
        let goes_on = written.is_ok();
        printer.written(written);
        goes_on
    };
    blocking(move || instances.logs(instance.id, follow, &mut print)).await??;
    Ok(ExitCode::SUCCESS)
}

/// To the stream that it came by.
fn print_line(line: &LogLine) -> std::io::Result<()> {
    match line.stream {
        LogStream::Stdout => {
            let mut out = std::io::stdout().lock();
            out.write_all(&line.bytes).and_then(|()| out.flush())
        }
        LogStream::Stderr => std::io::stderr().lock().write_all(&line.bytes),
    }
}

pub(crate) async fn stop(app: &App, args: &StopArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    reconcile(app, printer).await?;
    let timeout = Duration::from_secs(u64::from(args.timeout));
    let (stopped, code) =
        each(&args.instances, printer, async |word| stop_one(app, word, timeout, printer).await).await;
    let documents: Vec<documents::Instance> = documents::all(&stopped);
    printer.result(&documents, || names(&stopped));
    Ok(code)
}

async fn stop_one(app: &App, word: &str, timeout: Duration, printer: &Printer) -> Result<Instance, Failure> {
    let instance = find_instance(app, word).await?;
    if let InstanceState::Exited(_) = instance.state {
        printer.note(&format!("{} has ended already", instance.name));
        return Ok(instance);
    }
    let stopping = Event::once(
        Subject::Instance(instance.id),
        EventKind::Normal,
        EventReason::Stopping,
        format!("`{}` was asked to stop", instance.name),
        app.clock.now(),
    );
    app.records.append_events(&[stopping]).await?;
    let (instances, id) = (app.instances.clone(), instance.id);
    let status = blocking(move || instances.stop(id, timeout)).await??;
    let stopped = record_exit(app, &instance, status, EventReason::Exited).await?;
    if instance.remove_on_exit {
        wait_and_remove(app, &instance).await?;
    }
    Ok(stopped)
}

pub(crate) async fn rm(app: &App, args: &RmArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    reconcile(app, printer).await?;
    let (removed, code) =
        each(&args.instances, printer, async |word| remove_one(app, word, args.force).await).await;
    app.forget_old_events().await;
    let documents: Vec<documents::Instance> = documents::all(&removed);
    printer.result(&documents, || names(&removed));
    Ok(code)
}

async fn remove_one(app: &App, word: &str, force: bool) -> Result<Instance, Failure> {
    let instance = find_instance(app, word).await?;
    let ended = matches!(instance.state, InstanceState::Exited(_));
    if !ended && !force {
        return Err(node::InstanceError::Running(instance.id).into());
    }
    if !ended {
        let (instances, id) = (app.instances.clone(), instance.id);
        blocking(move || instances.remove(id, true)).await??;
        let killed = ExitStatus::Signal(node::Signal::KILL.number());
        record_exit(app, &instance, killed, EventReason::Exited).await?;
    }
    wait_and_remove(app, &instance).await?;
    Ok(instance)
}

fn names(instances: &[Instance]) -> Vec<String> {
    instances.iter().map(|one| one.name.to_string()).collect()
}

/// Acts on each word, says at once where that failed, and goes on; what was done, and the status of the first failure.
pub(crate) async fn each<T>(
    words: &[String],
    printer: &Printer,
    act: impl AsyncFn(&str) -> Result<T, Failure>,
) -> (Vec<T>, ExitCode) {
    let (mut done, mut code) = (Vec::new(), None);
    for word in words {
        match act(word).await {
            Ok(one) => done.push(one),
            Err(failure) => {
                printer.failure(&failure);
                code = code.or(Some(failure.code));
            }
        }
    }
    (done, code.map_or(ExitCode::SUCCESS, ExitCode::from))
}
