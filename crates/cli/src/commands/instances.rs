//! `imc ps`, `logs`, `stop`, `rm`.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use metastore::{InstanceFilter, InstanceRef};
use model::{Event, EventKind, EventReason, Instance, InstanceState, Subject};
use node::{LogLine, LogStream};

use super::reconcile::{all_instances, blocking, reconcile, remove};
use crate::app::App;
use crate::args::{LogsArgs, RmArgs, StopArgs};
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
    match app.records.instance(&wanted).await {
        Err(error) if error.kind() == metastore::ErrorKind::NotFound => Err(unknown()),
        found => Ok(found?),
    }
}

pub(crate) async fn ps(app: &App, all: bool, printer: &Printer) -> Result<ExitCode, Failure> {
    reconcile(app).await?;
    let instances =
        all_instances(app, &InstanceFilter { unfinished: !all, ..InstanceFilter::default() }).await?;
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
    printer.table(&instances, &["NAME", "ID", "STATE", "PID", "STARTED", "IMAGE", "COMMAND"], &rows);
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn logs(app: &App, args: &LogsArgs) -> Result<ExitCode, Failure> {
    let instance = find_instance(app, &args.instance).await?;
    let (instances, follow) = (app.instances.clone(), args.follow);
    blocking(move || instances.logs(instance.id, follow, &mut print_line)).await??;
    Ok(ExitCode::SUCCESS)
}

/// To the stream that it came by; false where nobody reads any more.
#[allow(clippy::needless_pass_by_value, reason = "the node hands lines over")]
fn print_line(line: LogLine) -> bool {
    match line.stream {
        LogStream::Stdout => {
            let mut out = std::io::stdout().lock();
            out.write_all(&line.bytes).and_then(|()| out.flush()).is_ok()
        }
        LogStream::Stderr => std::io::stderr().lock().write_all(&line.bytes).is_ok(),
    }
}

pub(crate) async fn stop(app: &App, args: &StopArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    reconcile(app).await?;
    let mut stopped = Vec::new();
    for word in &args.instances {
        let instance = find_instance(app, word).await?;
        if let InstanceState::Exited(_) = instance.state {
            printer.note(&format!("{} has ended already", instance.name));
            stopped.push(instance);
            continue;
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
        let timeout = Duration::from_secs(u64::from(args.timeout));
        let status = blocking(move || instances.stop(id, timeout)).await??;
        stopped.push(record_end(app, &instance, status).await?);
        if instance.remove_on_exit {
            remove(app, &instance).await?;
        }
    }
    printer.result(&stopped, || stopped.iter().map(|one| one.name.to_string()).collect());
    Ok(ExitCode::SUCCESS)
}

/// Notes how an instance ended.
pub(crate) async fn record_end(
    app: &App,
    instance: &Instance,
    status: model::ExitStatus,
) -> Result<Instance, Failure> {
    let now = app.clock.now();
    let message = format!("`{}` ended: {}", instance.name, InstanceState::Exited(status));
    let event =
        Event::once(Subject::Instance(instance.id), EventKind::Normal, EventReason::Exited, message, now);
    Ok(app.records.instance_exited(instance.id, status, &[event], now).await?)
}

pub(crate) async fn rm(app: &App, args: &RmArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    reconcile(app).await?;
    let mut removed = Vec::new();
    for word in &args.instances {
        let instance = find_instance(app, word).await?;
        let ended = matches!(instance.state, InstanceState::Exited(_));
        if !ended && !args.force {
            return Err(node::InstanceError::Running(instance.id).into());
        }
        if !ended {
            let (instances, id) = (app.instances.clone(), instance.id);
            blocking(move || instances.remove(id, true)).await??;
            record_end(app, &instance, model::ExitStatus::Signal(node::Signal::KILL.number())).await?;
        }
        remove(app, &instance).await?;
        removed.push(instance);
    }
    printer.result(&removed, || removed.iter().map(|one| one.name.to_string()).collect());
    Ok(ExitCode::SUCCESS)
}
