//! `imc ps`, `logs`, `stop`, `rm`.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use client::ListInstances;
use wire::{Instance, Output, OutputStream};

use crate::args::{LogsArgs, RmArgs, StopArgs};
use crate::documents;
use crate::exit::Failure;
use crate::printer::Printer;
use crate::session::Session;

/// Instances asked for at once.
const PAGE: u32 = 1000;

pub(crate) async fn ps(session: &Session, all: bool, printer: &Printer) -> Result<ExitCode, Failure> {
    let mut list = ListInstances { unfinished: !all, limit: Some(PAGE), ..ListInstances::default() };
    let mut instances = Vec::new();
    loop {
        let page = session.client.list_instances(&list).await?;
        if list.page.is_none() {
            for one in &page.unsettled {
                let (id, why) = (one.id, &one.message);
                printer.warning(&format!(
                    "failed to clean up after the instance {id}; the next command tries again: {why}"
                ));
            }
        }
        instances.extend(page.items);
        list.page = page.next;
        if list.page.is_none() {
            break;
        }
    }
    let rows: Vec<Vec<String>> = instances.iter().map(row).collect();
    let documents: Vec<documents::Instance> = documents::all(&instances);
    printer.table(&documents, &["NAME", "ID", "STATE", "PID", "STARTED", "IMAGE", "COMMAND"], &rows);
    Ok(ExitCode::SUCCESS)
}

fn row(one: &Instance) -> Vec<String> {
    let started = one.started.map_or_else(|| "-".to_owned(), |time| time.to_string());
    let pid = one.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
    let (image, command) = (one.image.to_string(), one.command.join(" "));
    vec![one.name.to_string(), one.id.to_string(), one.life().to_string(), pid, started, image, command]
}

pub(crate) async fn logs(session: &Session, args: &LogsArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let feed = session.client.instance_logs(&args.instance, args.follow, None).await;
    let mut feed = feed.map_err(about_instance)?;
    while let Some(line) = feed.next().await.map_err(about_instance)? {
        if !written(print(&line.output)?, printer) {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints output to the stream that it came by; whether that could be written.
pub(crate) fn print(output: &Output) -> Result<std::io::Result<()>, Failure> {
    let Some(bytes) = output.bytes() else {
        return Err(Failure::internal("failed to read the output: it is no base64"));
    };
    Ok(match output.stream {
        OutputStream::Stdout => {
            let mut out = std::io::stdout().lock();
            out.write_all(&bytes).and_then(|()| out.flush())
        }
        OutputStream::Stderr => std::io::stderr().lock().write_all(&bytes),
    })
}

/// Remembers why something could not be written; whether it could.
pub(crate) fn written(written: std::io::Result<()>, printer: &Printer) -> bool {
    let goes_on = written.is_ok();
    printer.written(written);
    goes_on
}

pub(crate) async fn stop(session: &Session, args: &StopArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let patience = Duration::from_secs(u64::from(args.timeout));
    args.once.for_one_of(&args.instances)?;
    let stop =
        async |word: &str| stop_one(session, word, patience, args, printer).await.map_err(about_instance);
    let (stopped, code) = each(&args.instances, printer, stop).await;
    let documents: Vec<documents::Instance> = documents::all(&stopped);
    printer.result(&documents, || names(&stopped));
    Ok(code)
}

async fn stop_one(
    session: &Session,
    word: &str,
    patience: Duration,
    args: &StopArgs,
    printer: &Printer,
) -> client::Result<Instance> {
    let client = session.once(args.once.client_token.as_ref());
    if args.once.client_token.is_some() {
        // One that comes again is answered as the first time, whatever became of the instance.
        return client.stop_instance(word, Some(patience)).await;
    }
    let instance = client.instance(word).await?;
    if instance.life().has_ended() {
        printer.note(&format!("{} has ended already", instance.name));
        return Ok(instance);
    }
    client.stop_instance(word, Some(patience)).await
}

pub(crate) async fn rm(session: &Session, args: &RmArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    args.once.for_one_of(&args.instances)?;
    let client = session.once(args.once.client_token.as_ref());
    let remove = async |word: &str| client.delete_instance(word, args.force).await.map_err(about_instance);
    let (removed, code) = each(&args.instances, printer, remove).await;
    // A server does it by itself.
    if let Some(app) = &session.app {
        app.forget_old_events().await;
    }
    let documents: Vec<documents::Instance> = documents::all(&removed);
    printer.result(&documents, || names(&removed));
    Ok(code)
}

fn names(instances: &[Instance]) -> Vec<String> {
    instances.iter().map(|one| one.name.to_string()).collect()
}

/// A failure of an operation on an instance that was named.
pub(crate) fn about_instance(error: client::Error) -> Failure {
    let failure = Failure::from(error);
    match failure.kind {
        "not-found" => Failure { advice: Some(crate::exit::advice::INSTANCES.to_owned()), ..failure },
        _ => failure,
    }
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
