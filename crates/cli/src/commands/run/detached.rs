//! `imc run --detach`: an instance that nobody sits before, of a server or of this process.

use std::process::ExitCode;

use model::RefreshSeconds;
use node::{MilliCpus, Network};
use wire::{CreateInstance, CreatedInstance, Mount, Outcome, PickCache, ProblemKind, Staleness};

use super::choice::{Target, fetched, found_next, image_of_word, said};
use super::variables;
use crate::args::{RunArgs, StalenessWord};
use crate::documents;
use crate::exit::Failure;
use crate::printer::Printer;
use crate::progress;
use crate::session::Session;

pub(crate) async fn start(session: &Session, args: &RunArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let (new, no_image) = wanted(session, args).await?;
    let client = session.once(args.client_token.as_ref());
    let work = client.create_instance(&new);
    let created = match (progress::watch_start(session.fetching(), work, printer).await?, no_image) {
        // The word is neither: why it is no image is known here alone.
        (Err(error), Some(no_image)) if error.problem_kind() == Some(ProblemKind::NotFound) => {
            return Err(no_image);
        }
        (created, _) => created?,
    };
    tell(&created, args, printer);
    let instance = &created.instance;
    printer.result(&documents::Instance::from(instance), || vec![instance.id.to_string()]);
    Ok(ExitCode::SUCCESS)
}

/// What the command line asks for, and why its word is no image, where it is none. Whether the word is a cache is known where the
/// instance starts: who may start instances need not be allowed to look at caches.
async fn wanted(session: &Session, args: &RunArgs) -> Result<(CreateInstance, Option<Failure>), Failure> {
    let (target, word, no_image) = match said(args)? {
        Some(target) => (target, None, None),
        None => {
            let (image, no_image) = match image_of_word(&args.target) {
                Ok(image) => (Some(image), None),
                Err(failure) => (None, Some(failure)),
            };
            (Target { cache: PickCache::Auto, image }, Some(args.target.clone()), no_image)
        }
    };
    let Target { cache, image } = target;
    let access = session.access(image.as_slice()).await?;
    let choice = &args.choice;
    let volume = |volume: &node::Volume| Mount {
        host: volume.host.clone(),
        container: volume.container.clone(),
        read_only: volume.read_only,
    };
    let new = CreateInstance {
        name: args.name.clone(),
        image,
        platform: Some(args.platform.clone()),
        cache,
        word,
        perfect_match: choice.perfect_match,
        match_count: choice.match_count,
        policy: choice.policy.into(),
        staleness: choice.staleness.map(staleness),
        space_bytes: None,
        entrypoint: args.entrypoint.as_ref().map(|program| match program.is_empty() {
            true => Vec::new(),
            false => vec![program.clone()],
        }),
        command: args.command.clone(),
        env: variables(&args.env),
        working_dir: args.workdir.clone(),
        user: args.user.clone(),
        hostname: args.hostname.clone(),
        network: match args.network {
            Network::Host => wire::Network::Host,
            Network::None => wire::Network::None,
        },
        volumes: args.volume.iter().map(volume).collect(),
        memory_bytes: args.memory,
        milli_cpus: args.cpus.map(MilliCpus::get),
        remove_on_exit: args.rm,
        runtime: args.runtime.clone(),
        plain_http: access.plain_http,
        insecure: access.insecure,
        credentials: access.credentials,
    };
    Ok((new, no_image))
}

/// A start takes no interval, and the document has one.
fn staleness(rule: StalenessWord) -> Staleness {
    match rule {
        StalenessWord::Pinned => Staleness::Pinned,
        StalenessWord::Refresh => Staleness::Refresh {
            interval_seconds: RefreshSeconds::LEAST.try_into().expect("the least is one"),
        },
        StalenessWord::Strict => Staleness::Strict,
    }
}

/// Says what no cache had, what is weaker than it was asked for, and which cache was made beside.
fn tell(created: &CreatedInstance, args: &RunArgs, printer: &Printer) {
    let choice = &created.choice;
    if choice.outcome != Outcome::Hit {
        let cache = choice.cache_name.as_ref().filter(|_| choice.outcome == Outcome::Partial);
        let image = created.instance.image.to_string();
        printer.note(&fetched(cache, &image, &args.platform, choice.fetched_bytes));
    }
    for warning in &created.warnings {
        printer.warning(warning);
    }
    if let (Some(name), Some(id)) = (&choice.auto_created_name, choice.auto_created) {
        printer.note(&found_next(name, id));
    }
}
