//! `imc run --detach`: an instance that nobody sits before, of a server or of this process.

use std::process::ExitCode;

use model::RefreshSeconds;
use node::{MilliCpus, Network};
use wire::{CreateInstance, CreatedInstance, Mount, Outcome, ProblemKind, Staleness};

use super::choice::{Target, fetched, found_next, target};
use super::variables;
use crate::args::{RunArgs, StalenessWord};
use crate::documents;
use crate::exit::Failure;
use crate::printer::Printer;
use crate::progress;
use crate::session::Session;

pub(crate) async fn start(session: &Session, args: &RunArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let new = wanted(session, args).await?;
    let work = session.client.create_instance(&new);
    let created = progress::watch_start(session.fetching(), work, printer).await??;
    tell(&created, args, printer);
    let instance = &created.instance;
    printer.result(&documents::Instance::from(instance), || vec![instance.id.to_string()]);
    Ok(ExitCode::SUCCESS)
}

/// What the command line asks for.
async fn wanted(session: &Session, args: &RunArgs) -> Result<CreateInstance, Failure> {
    let is_cache = async || match session.client.cache(&args.target).await {
        Ok(_) => Ok(true),
        Err(client::Error::Word { .. }) => Ok(false),
        Err(error) if error.problem_kind() == Some(ProblemKind::NotFound) => Ok(false),
        Err(error) => Err(error.into()),
    };
    let Target { cache, image } = target(args, is_cache).await?;
    let access = session.access(image.as_slice()).await?;
    let choice = &args.choice;
    let volume = |volume: &node::Volume| Mount {
        host: volume.host.clone(),
        container: volume.container.clone(),
        read_only: volume.read_only,
    };
    Ok(CreateInstance {
        name: args.name.clone(),
        image,
        platform: Some(args.platform.clone()),
        cache,
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
    })
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
