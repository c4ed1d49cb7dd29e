//! `imc ps`, `logs`, `stop`, `rm`.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use metastore::InstanceFilter;
use model::Instance;
use node::{LogLine, LogStream};

use super::reconcile::{all_instances, blocking, reconcile};
use crate::app::App;
use crate::args::{LogsArgs, RmArgs, StopArgs};
use crate::documents;
use crate::exit::Failure;
use crate::printer::Printer;

/// The instance that a word (id or name) means.
pub(crate) async fn find_instance(app: &App, word: &str) -> Result<Instance, Failure> {
    Ok(app.use_cases.find(&app.account, word).await?)
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
    if instance.state.has_ended() {
        printer.note(&format!("{} has ended already", instance.name));
        return Ok(instance);
    }
    Ok(app.use_cases.stop(&app.account, word, timeout).await?)
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
    Ok(app.use_cases.delete(&app.account, word, force).await?)
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
