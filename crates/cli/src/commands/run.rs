//! `imc run`: an instance from a cached image. In the foreground it is this process's own; detached it may be a server's.

mod choice;
mod detached;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use engine::{InstanceNetwork, InstanceOptions, InstanceVolume, NewInstance, RunningInstance, StartChoice};
use model::{ExitStatus, Instance, InstanceId};
use node::{Attachment, MilliCpus, Network, Started};
use tokio::runtime::Runtime;

use super::reconcile::reconcile;
use crate::app::App;
use crate::args::RunArgs;
use crate::exit::Failure;
use crate::host::{emulated, failed, spec_of, started_of};
use crate::printer::Printer;

pub(crate) use detached::start;

pub(crate) fn run(
    runtime: &Runtime,
    app: &App,
    args: &RunArgs,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let begun = Instant::now();
    runtime.block_on(reconcile(app, printer))?;
    let new = runtime.block_on(wanted(app, args))?;
    let choice = runtime.block_on(choice::choose(app, &new.wish, printer))?;
    let started = begin(runtime, app, args, new, &choice, printer);
    // The record holds the snapshot from now on, or nothing runs.
    runtime.block_on(choice.release());
    let Begun { record, started } = started?;
    tracing::info!(
        instance = %record.id,
        image_ready_us = started.timings.image_ready_us(),
        start_us = started.timings.total_us(),
        "started in {} ms after {} ms of the command",
        started.timings.total_us() / 1000,
        begun.elapsed().as_millis()
    );
    let status = started.session.attach()?;
    if let Err(failure) = runtime.block_on(finish(app, &record, status)) {
        printer.warning(&format!("the end could not be recorded: {}", failure.message));
    }
    runtime.block_on(app.shut_down());
    Ok(ExitCode::from(status.as_exit_code()))
}

/// What the command line asks for.
async fn wanted(app: &App, args: &RunArgs) -> Result<NewInstance, Failure> {
    Ok(NewInstance {
        wish: choice::wish(app, args, InstanceId::generate()).await?,
        name: args.name.clone(),
        options: options(args),
        remove_on_exit: args.rm,
        runtime: args.runtime.clone(),
    })
}

/// An instance that runs, and its record.
struct Begun {
    record: Instance,
    started: Started,
}

/// Records it, starts it, and records that. Nothing stays of what cannot start.
fn begin(
    runtime: &Runtime,
    app: &App,
    args: &RunArgs,
    new: NewInstance,
    choice: &StartChoice,
    printer: &Printer,
) -> Result<Begun, Failure> {
    let (record, order) = runtime.block_on(app.use_cases.record(&app.account, new, choice))?;
    if let Some(warning) = emulated(&order.image.platform) {
        printer.warning(&warning);
    }
    let mut spec = spec_of(order);
    // What only whoever sits before it can have.
    (spec.options.terminal, spec.options.interactive) = (args.tty, args.interactive);
    let started = match app.instances.create_and_start(&spec, Attachment::Caller) {
        Ok(started) => started,
        Err(error) => {
            let source = failed(error);
            if let Err(unrecorded) = runtime.block_on(app.use_cases.take_back(&record, &source)) {
                let why = engine::chain(&unrecorded);
                printer.warning(&format!("the failed start could not be recorded: {why}"));
            }
            return Err(engine::Error::Host { action: "start", name: record.name, source }.into());
        }
    };
    // It runs, whatever the records say: what cannot be recorded now, the next command finds and records.
    match runtime.block_on(record_start(app, &record, &started, choice, printer)) {
        Ok(record) => Ok(Begun { record, started }),
        Err(failure) => {
            printer.warning(&format!("the start could not be recorded: {}", failure.message));
            Ok(Begun { record, started })
        }
    }
}

fn options(args: &RunArgs) -> InstanceOptions {
    let volume = |volume: &node::Volume| InstanceVolume {
        host: volume.host.clone(),
        container: volume.container.clone(),
        read_only: volume.read_only,
    };
    InstanceOptions {
        entrypoint: args.entrypoint.as_ref().map(|program| match program.is_empty() {
            true => Vec::new(),
            false => vec![program.clone()],
        }),
        command: args.command.clone(),
        env: environment(&args.env),
        working_dir: args.workdir.clone(),
        user: args.user.clone(),
        hostname: args.hostname.clone(),
        network: match args.network {
            Network::Host => InstanceNetwork::Host,
            Network::None => InstanceNetwork::None,
        },
        volumes: args.volume.iter().map(volume).collect(),
        group: None,
        memory: args.memory,
        milli_cpus: args.cpus.map(MilliCpus::get),
    }
}

/// `NAME` alone passes on the value that it has here, and nothing where it has none.
pub(crate) fn environment(words: &[String]) -> Vec<String> {
    let value = |word: &String| match word.contains('=') {
        true => Some(word.clone()),
        false => std::env::var(word).ok().map(|value| format!("{word}={value}")),
    };
    words.iter().filter_map(value).collect()
}

/// The same by name; of two of a name the last counts.
pub(crate) fn variables(words: &[String]) -> BTreeMap<String, String> {
    let pair = |entry: String| {
        let (name, value) = entry.split_once('=').unwrap_or((&entry, ""));
        (name.to_owned(), value.to_owned())
    };
    environment(words).into_iter().map(pair).collect()
}

/// Its record as it is then.
async fn record_start(
    app: &App,
    record: &Instance,
    started: &Started,
    choice: &StartChoice,
    printer: &Printer,
) -> Result<Instance, Failure> {
    // A step that tests fail or kill.
    blobstore::fault::point("instance-started")
        .map_err(|error| Failure::system("record the start", &error))?;
    for warning in &started.warnings {
        printer.warning(warning);
    }
    let noted = app.use_cases.note_running(record, &started_of(started), choice).await?;
    let RunningInstance { instance, cache } = noted;
    if let Some(cache) = cache {
        printer.note(&choice::found_next(&cache.name, cache.id));
    }
    Ok(instance)
}

async fn finish(app: &App, record: &Instance, status: ExitStatus) -> Result<(), Failure> {
    app.use_cases.ended(record, status).await?;
    if record.remove_on_exit {
        app.forget_old_events().await;
    }
    Ok(())
}
