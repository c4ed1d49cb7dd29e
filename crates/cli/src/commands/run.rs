//! `imc run`: an instance from a cached image.

mod choice;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use engine::StartChoice;
use model::{
    BlobKey, Event, EventKind, EventReason, ExitStatus, Instance, InstanceId, InstanceName, InstanceState,
    SnapshotImage, Subject,
};
use node::{Attachment, ImageBlobs, InstanceSpec, RunOptions, RuntimeChoice, Started, UpperLimit};
use tokio::runtime::Runtime;

use super::reconcile::reconcile;
use crate::app::App;
use crate::args::RunArgs;
use crate::documents;
use crate::exit::Failure;
use crate::printer::Printer;

pub(crate) fn run(
    runtime: &Runtime,
    app: &App,
    args: &RunArgs,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let begun = Instant::now();
    runtime.block_on(reconcile(app, printer))?;
    let id = InstanceId::generate();
    let choice = runtime.block_on(choice::choose(app, args, id, printer))?;
    let prepared = runtime.block_on(prepare(app, args, id, choice, printer))?;
    let attachment = if args.detach { Attachment::Log } else { Attachment::Caller };
    let started = match app.instances.create_and_start(&prepared.spec, attachment) {
        Ok(started) => started,
        Err(error) => {
            runtime.block_on(record_start_failure(app, &prepared, &error, printer));
            return Err(error.into());
        }
    };
    // It runs, whatever the records say: what cannot be recorded now, the next command finds and records.
    if let Err(failure) = runtime.block_on(record_start(app, &prepared, &started, printer)) {
        printer.warning(&format!("the start could not be recorded: {}", failure.message));
    }
    tracing::info!(
        instance = %prepared.spec.id,
        image_ready_us = started.timings.image_ready_us(),
        start_us = started.timings.total_us(),
        "started in {} ms after {} ms of the command",
        started.timings.total_us() / 1000,
        begun.elapsed().as_millis()
    );
    if args.detach {
        let wanted = metastore::InstanceRef::Id(prepared.spec.id);
        let found = runtime.block_on(async { app.records.instance(&app.account, &wanted).await });
        let document = found.unwrap_or(prepared.record);
        printer.result(&documents::Instance::from(&document), || vec![prepared.spec.id.to_string()]);
        return Ok(ExitCode::SUCCESS);
    }
    let status = started.session.attach()?;
    if let Err(failure) = runtime.block_on(finish(app, &prepared, status)) {
        printer.warning(&format!("the end could not be recorded: {}", failure.message));
    }
    runtime.block_on(app.shut_down());
    Ok(ExitCode::from(status.as_exit_code()))
}

struct Prepared {
    record: Instance,
    spec: InstanceSpec,
    choice: StartChoice,
}

async fn prepare(
    app: &App,
    args: &RunArgs,
    id: InstanceId,
    choice: StartChoice,
    printer: &Printer,
) -> Result<Prepared, Failure> {
    let [image] = choice.images.as_slice() else {
        return Err(Failure::internal("failed to choose an image: there is not just one"));
    };
    check_platform(image, printer)?;
    let name = args.name.clone().unwrap_or_else(|| made_up_name(id));
    let options = options(args);
    let path_of = |key: &BlobKey| choice.store.local_path(key).unwrap_or_else(|| PathBuf::from("/"));
    let record = Instance {
        id,
        name: name.clone(),
        account: app.account.clone(),
        image: image.source.clone(),
        manifest_digest: image.manifest_digest,
        snapshot: choice.snapshot,
        cache: choice.cache.as_ref().map(|cache| cache.id),
        command: options.command_line(&image.config),
        state: InstanceState::Creating,
        pid: None,
        remove_on_exit: args.rm,
        created: app.clock.now(),
        started: None,
        finished: None,
    };
    let spec = InstanceSpec {
        id,
        name,
        blobs: ImageBlobs::of(image, path_of),
        config: image.config.clone(),
        options,
        size_limit: Some(choice.size_limit),
        remove_on_exit: args.rm,
        runtime: match &args.runtime {
            Some(program) => RuntimeChoice::Installed(PathBuf::from(program)),
            None => RuntimeChoice::Embedded,
        },
    };
    app.engine.record_instance(&record, &choice).await?;
    if let Some(cache) = app.engine.create_automatic_cache(&app.account, id, &choice).await {
        printer.note(&format!("the next start finds it in the cache {} ({})", cache.name, cache.id));
    }
    Ok(Prepared { record, spec, choice })
}

/// An image of another system is kept, and cannot run here; one of another architecture can where an emulator is set up.
fn check_platform(image: &SnapshotImage, printer: &Printer) -> Result<(), Failure> {
    let platform = &image.platform;
    if platform.os != "linux" {
        let image = &image.source;
        return Err(Failure::unsupported(format!(
            "failed to start {image}: it is for {platform}, and this machine runs linux"
        )));
    }
    let here = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    if platform.arch != here {
        printer.warning(&format!(
            "the image is for {platform}, this machine is {here}: it needs an emulator (binfmt_misc)"
        ));
    }
    Ok(())
}

/// The last digits of the id, which differ between instances of the same moment.
fn made_up_name(id: InstanceId) -> InstanceName {
    let text = id.to_string();
    let tail = &text[text.len() - 8..];
    format!("i-{tail}").parse().expect("hexadecimal digits make a name")
}

fn options(args: &RunArgs) -> RunOptions {
    RunOptions {
        entrypoint: args.entrypoint.as_ref().map(|program| match program.is_empty() {
            true => Vec::new(),
            false => vec![program.clone()],
        }),
        command: args.command.clone(),
        env: environment(&args.env),
        working_dir: args.workdir.clone(),
        user: args.user.clone(),
        hostname: args.hostname.clone(),
        network: args.network,
        volumes: args.volume.clone(),
        memory: args.memory,
        cpus: args.cpus,
        terminal: args.tty,
        interactive: args.interactive,
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

async fn record_start(
    app: &App,
    prepared: &Prepared,
    started: &Started,
    printer: &Printer,
) -> Result<(), Failure> {
    // A step that tests fail or kill.
    blobstore::fault::point("instance-started")
        .map_err(|error| Failure::system("record the start", &error))?;
    let now = app.clock.now();
    let record = &prepared.record;
    let instance =
        |kind, reason, message: String| Event::once(Subject::Instance(record.id), kind, reason, message, now);
    let timings = &started.timings;
    let took = format!(
        "`{}` runs as process {}: image ready in {:.1} ms, started in {:.1} ms",
        record.name,
        started.pid,
        timings.image_ready_us() as f64 / 1000.0,
        timings.total_us() as f64 / 1000.0
    );
    let mut limits = started.warnings.clone();
    if let UpperLimit::NotEnforced(why) = &started.upper_limit {
        limits.push(format!("the writable layer is not limited to the cache's size: {why}"));
    }
    for warning in &started.warnings {
        printer.warning(warning);
    }
    let mut events = vec![instance(EventKind::Normal, EventReason::Started, took)];
    events.extend(
        limits.into_iter().map(|limit| instance(EventKind::Warning, EventReason::LimitNotSet, limit)),
    );
    match app.records.instance_started(record.id, started.pid, &events, now).await {
        // A command beside this one found it running, and has said so.
        Err(metastore::Error::InstanceState { .. }) => app.records.append_events(&events[1..]).await?,
        recorded => drop(recorded?),
    }
    app.engine.note_start(&prepared.choice).await;
    // The record holds the snapshot from now on.
    prepared.choice.release().await;
    Ok(())
}

/// That a start failed, where it can be told; the failure itself is more important than its record.
async fn record_start_failure(
    app: &App,
    prepared: &Prepared,
    error: &node::InstanceError,
    printer: &Printer,
) {
    let now = app.clock.now();
    let record = &prepared.record;
    let message = engine::chain(error);
    let about =
        |subject| Event::once(subject, EventKind::Warning, EventReason::StartFailed, message.clone(), now);
    let events: Vec<Event> = [Some(Subject::Instance(record.id)), record.cache.map(Subject::Cache)]
        .into_iter()
        .flatten()
        .map(about)
        .collect();
    let recorded = async {
        app.records.instance_exited(record.id, ExitStatus::Unknown, &events, now).await?;
        // An instance that never ran is of no use to anybody.
        app.records.remove_instance(record.id, &[]).await
    };
    if let Err(unrecorded) = recorded.await
        && unrecorded.kind() != metastore::ErrorKind::NotFound
    {
        printer.warning(&format!("the failed start could not be recorded: {}", engine::chain(&unrecorded)));
    }
}

async fn finish(app: &App, prepared: &Prepared, status: ExitStatus) -> Result<(), Failure> {
    app.use_cases.ended(&prepared.record, status).await?;
    if prepared.record.remove_on_exit {
        app.forget_old_events().await;
    }
    Ok(())
}
