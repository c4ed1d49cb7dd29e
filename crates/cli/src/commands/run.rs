//! `imc run`: an instance from a cached image.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use engine::{Chosen, NewCacheRequest, Target};
use model::{
    BlobKey, ByteSize, CacheName, Event, EventKind, EventReason, ExitStatus, ImageSource, Instance,
    InstanceId, InstanceName, InstanceState, Subject,
};
use node::{Attachment, ImageBlobs, InstanceSpec, RunOptions, RuntimeChoice, Started, UpperLimit};
use tokio::runtime::Runtime;

use super::create::{absolute, build_for_run};
use super::reconcile::{reconcile, record_exit, wait_and_remove};
use crate::app::App;
use crate::args::RunArgs;
use crate::documents;
use crate::exit::Failure;
use crate::printer::Printer;

/// Size of a cache that `run` makes on a miss.
const MISS_SIZE: ByteSize = ByteSize::gib(20);

pub(crate) fn run(
    runtime: &Runtime,
    app: &App,
    args: &RunArgs,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let begun = Instant::now();
    runtime.block_on(reconcile(app, printer))?;
    let choice = runtime.block_on(choose(app, args, printer))?;
    check_platform(&choice.chosen, printer)?;
    let prepared = runtime.block_on(prepare(app, args, choice))?;
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
    lease: Box<dyn blobstore::Lease>,
    /// What starting from the cache spares.
    saved: model::Savings,
}

/// What to start from, and whether it was made for that just now.
struct Choice {
    chosen: Chosen,
    was_miss: bool,
}

/// The user's word as a cache, where one has that name or id, else as an image; a miss creates a cache first.
async fn choose(app: &App, args: &RunArgs, printer: &Printer) -> Result<Choice, Failure> {
    let image = args.image.clone().map(absolute).transpose()?;
    let target = match app.engine.find_cache(&app.account, &args.target).await {
        Ok(_) => Target::Cache { word: args.target.clone(), image },
        Err(engine::Error::UnknownCache { .. }) if image.is_none() => {
            let source: ImageSource = args.target.parse().map_err(|error: model::SourceError| {
                Failure::input(format!(
                    "failed to find a cache `{}`, and it is no image either: {error}",
                    args.target
                ))
            })?;
            Target::Image { source: absolute(source)?, platform: args.platform.clone() }
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(chosen) = app.engine.choose(&app.account, &target).await? {
        return Ok(Choice { chosen, was_miss: false });
    }
    let Target::Image { source, platform } = target.clone() else {
        return Err(Failure::internal("failed to choose a cache: it is gone"));
    };
    printer.note(&format!("no cache has {source} for {platform}: creating one"));
    let name = cache_name(&source);
    let new = NewCacheRequest {
        size_limit: Some(MISS_SIZE),
        ..NewCacheRequest::new(app.account.clone(), name, vec![source.clone()], platform)
    };
    let cache = build_for_run(app, new, printer).await?;
    let message = format!("no cache had {source}; this one was created for it");
    let miss = Event::once(
        Subject::Cache(cache.id),
        EventKind::Normal,
        EventReason::CacheMiss,
        message,
        app.clock.now(),
    );
    app.records.append_events(&[miss]).await?;
    let target = Target::Cache { word: cache.id.to_string(), image: None };
    let chosen = app.engine.choose(&app.account, &target).await?;
    let chosen =
        chosen.ok_or_else(|| Failure::internal("failed to choose the cache that was just created"))?;
    Ok(Choice { chosen, was_miss: true })
}

/// A name for a cache of this image: the last part of its repository or path, and its tag.
fn cache_name(source: &ImageSource) -> CacheName {
    let words = match source {
        ImageSource::Registry(reference) => {
            let last = reference.repository().as_str().rsplit('/').next().unwrap_or_default();
            match reference.tag() {
                Some(tag) => format!("{last}-{tag}"),
                None => last.to_owned(),
            }
        }
        ImageSource::OciLayout { dir: path, .. } | ImageSource::DockerArchive { file: path, .. } => {
            path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
        }
    };
    let fits = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    let plain: String = words.to_ascii_lowercase().chars().map(fits).take(100).collect();
    let plain = plain.trim_matches('-');
    let named = if plain.is_empty() { "image" } else { plain };
    named.parse().expect("only letters, digits and inner dashes are left")
}

async fn prepare(
    app: &App,
    args: &RunArgs,
    Choice { chosen, was_miss }: Choice,
) -> Result<Prepared, Failure> {
    let id = InstanceId::generate();
    let name = args.name.clone().unwrap_or_else(|| made_up_name(id));
    let options = options(args);
    let path_of = |key: &BlobKey| app.store.local_path(key).unwrap_or_else(|| PathBuf::from("/"));
    let record = Instance {
        id,
        name: name.clone(),
        account: app.account.clone(),
        image: chosen.image.source.clone(),
        manifest_digest: chosen.image.manifest_digest,
        snapshot: chosen.snapshot,
        cache: Some(chosen.cache.id),
        command: options.command_line(&chosen.image.config),
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
        blobs: ImageBlobs::of(&chosen.image, path_of),
        config: chosen.image.config,
        options,
        size_limit: Some(chosen.cache.size_limit),
        remove_on_exit: args.rm,
        runtime: match &args.runtime {
            Some(program) => RuntimeChoice::Installed(PathBuf::from(program)),
            None => RuntimeChoice::Embedded,
        },
    };
    app.records.create_instance(&record, &served(&record, was_miss)).await?;
    // Nothing is spared by a cache that was made for this very start.
    let saved =
        if was_miss { model::Savings { starts: 1, ..model::Savings::default() } } else { chosen.saved };
    Ok(Prepared { record, spec, lease: chosen.lease, saved })
}

/// What a tag was pinned to, told of the instance and of its cache.
fn served(record: &Instance, was_miss: bool) -> Vec<Event> {
    let asked = if was_miss { "" } else { "; no registry was asked" };
    let message = format!("{} was served as pinned to {}{asked}", record.image, record.manifest_digest);
    let subjects = [Some(Subject::Instance(record.id)), record.cache.map(Subject::Cache)];
    let about = |subject| {
        Event::once(subject, EventKind::Normal, EventReason::ServedPinned, message.clone(), record.created)
    };
    subjects.into_iter().flatten().map(about).collect()
}

/// An image of another system is kept, and cannot run here; one of another architecture can where an emulator is set up.
fn check_platform(chosen: &Chosen, printer: &Printer) -> Result<(), Failure> {
    let platform = &chosen.image.platform;
    if platform.os != "linux" {
        let image = &chosen.image.source;
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
    if let Some(cache) = record.cache
        && let Err(error) = app.records.touch_cache_used(cache, prepared.saved, now).await
    {
        tracing::warn!(%cache, error = engine::chain(&error), "failed to note a cache's use");
    }
    // The record holds the snapshot from now on.
    if let Err(error) = prepared.lease.release().await {
        tracing::warn!(
            error = engine::chain(&error),
            "failed to release a start's lease; it ends with this process"
        );
    }
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
    record_exit(app, &prepared.record, status, EventReason::Exited).await?;
    if prepared.record.remove_on_exit {
        wait_and_remove(app, &prepared.record).await?;
        app.forget_old_events().await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::cache_name;

    #[test]
    fn a_cache_made_on_a_miss_is_named_after_its_image() {
        for (image, name) in [
            ("nginx:1.27", "nginx-1-27"),
            ("r.io/a/B".to_lowercase().as_str(), "b-latest"),
            ("oci:/srv/My_Image", "my-image"),
            ("docker-archive:/x/...tar", "image"),
        ] {
            assert_eq!(cache_name(&image.parse().unwrap()).as_str(), name, "{image}");
        }
    }
}
