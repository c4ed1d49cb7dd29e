//! `imc create` and `imc update`: caches from images, with progress.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use engine::BuildHandle;
use model::{ByteSize, CacheState, ImageSource};
use settings::Settings;
use wire::{Cache, CacheDetails, CreateCache, LayerPhase, LayerProgress, UpdateCache};

use crate::args::{CreateArgs, UpdateArgs, WaitArgs};
use crate::documents::{self, Created};
use crate::exit::Failure;
use crate::printer::Printer;
use crate::progress;
use crate::session::Session;

/// A cache and what its build took.
struct Built {
    cache: Cache,
    layers: usize,
    reused: usize,
    fetched: ByteSize,
    seconds: f64,
}

impl Built {
    fn new(details: CacheDetails, layers: &[LayerProgress], begun: Instant) -> Self {
        let seconds = begun.elapsed().as_secs_f64();
        let reused = layers.iter().filter(|layer| layer.phase == LayerPhase::Reused).count();
        let fetched = layers.iter().fold(ByteSize::ZERO, |sum, layer| sum.plus(layer.fetched_bytes));
        if !layers.is_empty() {
            return Self { cache: details.cache, layers: layers.len(), reused, fetched, seconds };
        }
        // It was built before: all that it has was here.
        let there = details.pinned.iter().flat_map(|image| &image.layers).map(|layer| &layer.diff_id);
        let there = there.collect::<BTreeSet<_>>().len();
        Self { cache: details.cache, layers: there, reused: there, fetched, seconds }
    }

    fn document(&self) -> Created {
        Created {
            cache: (&self.cache).into(),
            layers: self.layers,
            layers_reused: self.reused,
            fetched_bytes: self.fetched,
            seconds: self.seconds,
        }
    }

    fn sentence(&self) -> String {
        let Self { cache, layers, reused, fetched, seconds } = self;
        format!(
            "cache {} ({}) is {}: {} unpacked, {layers} layers ({reused} were here), {fetched} fetched in {seconds:.2} s",
            cache.name,
            cache.id,
            CacheState::from(cache.state),
            cache.unpacked_bytes.unwrap_or_default(),
        )
    }
}

/// `imc` is how a further command over the same data directory begins.
pub(crate) async fn create(
    session: &Session,
    args: CreateArgs,
    settings: &Settings,
    imc: &str,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let begun = Instant::now();
    let images: Vec<ImageSource> = args.images.into_iter().map(absolute).collect::<Result<_, _>>()?;
    let access = session.access(&images).await?;
    let policy = &args.policy;
    let new = CreateCache {
        platform: Some(args.platform),
        size_gib: args.size,
        retention_days: policy.retention_days.and_then(crate::args::Retention::days),
        eviction: policy.eviction.map(Into::into),
        staleness: policy.staleness(&settings.staleness)?,
        flash: policy.flash.unwrap_or_default(),
        flash_copies: policy.flash_copies,
        standard_copies: policy.standard_copies,
        reuse_layers: policy.reuse_layers,
        tags: policy.tags()?,
        plain_http: access.plain_http,
        insecure: access.insecure,
        credentials: access.credentials,
        ..CreateCache::of(args.name, images)
    };
    let cache = session.once(args.waiting.once.client_token.as_ref()).create_cache(&new).await?;
    cache.fewer_copies.iter().for_each(|fewer| printer.warning(fewer));
    let built = build(session, cache, &args.waiting, begun, printer).await?;
    let Some(built) = built else { return Ok(ExitCode::SUCCESS) };
    printer.result(&built.document(), || vec![built.sentence()]);
    printer.note(&format!("start from it: {imc} run --rm -it {}", built.cache.name));
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn update(
    session: &Session,
    args: UpdateArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let begun = Instant::now();
    let images: Vec<ImageSource> = args.images.into_iter().map(absolute).collect::<Result<_, _>>()?;
    let policy = &args.policy;
    let wants_build = !images.is_empty();
    if !wants_build && args.size.is_none() && args.rename.is_none() && !args.no_tags && policy.is_empty() {
        return Err(Failure::input("failed to change the cache: nothing is said that is to change"));
    }
    let access = session.access(&images).await?;
    let tags = match args.no_tags || !policy.tag.is_empty() {
        true => Some(policy.tags()?),
        false => None,
    };
    let change = UpdateCache {
        name: args.rename,
        images: (!images.is_empty()).then_some(images),
        size_gib: args.size,
        retention_days: policy.retention_days.map(crate::args::Retention::days),
        eviction: policy.eviction.map(Into::into),
        staleness: policy.staleness(&settings.staleness)?,
        flash: policy.flash,
        flash_copies: policy.flash_copies,
        standard_copies: policy.standard_copies,
        reuse_layers: policy.reuse_layers,
        tags,
        credentials: (!access.credentials.is_empty()).then_some(access.credentials),
    };
    let client = session.once(args.waiting.once.client_token.as_ref());
    let cache = client.update_cache(&args.cache, &change).await?;
    cache.fewer_copies.iter().for_each(|fewer| printer.warning(fewer));
    if !wants_build {
        printer.result(&documents::Cache::from(&cache), || {
            vec![format!("cache {} ({}) is changed", cache.name, cache.id)]
        });
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(built) = build(session, cache, &args.waiting, begun, printer).await? {
        printer.result(&built.document(), || vec![built.sentence()]);
        printer.note(&format!("`imc rollback {}` goes back to what it served before", built.cache.name));
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits for the build of a cache that was asked for; nothing where it is left to the server.
async fn build(
    session: &Session,
    cache: Cache,
    waiting: &WaitArgs,
    begun: Instant,
    printer: &Printer,
) -> Result<Option<Built>, Failure> {
    if waiting.detach {
        let state = CacheState::from(cache.state);
        printer.result(&documents::Cache::from(&cache), || {
            vec![format!("cache {} ({}) is {state}", cache.name, cache.id)]
        });
        match session.app {
            Some(_) => printer.note("no server runs here: `imc serve` builds it"),
            None => printer.note(&format!("`imc show {}` tells how far it is", cache.name)),
        }
        return Ok(None);
    }
    let id = cache.id.to_string();
    let layers = match session.built_here.take(cache.id) {
        Some(build) => follow(session, build, printer).await?,
        // It was asked for before, and is built since then.
        None if !CacheState::from(cache.state).is_building() => Vec::new(),
        None => progress::follow_elsewhere(session.client.watch_cache(&id), &cache, printer).await?,
    };
    let details = session.client.cache(&id).await.map_err(|error| progress::unless_gone(error, &cache))?;
    let cache = &details.cache;
    let is_built = CacheState::from(cache.state).is_usable() && cache.failure.is_none();
    match &cache.failure {
        Some(failure) if !is_built => Err(Failure::of_build(failure)),
        _ => Ok(Some(Built::new(details, &layers, begun))),
    }
}

/// Shows the progress of a build of this process, to its end. A cancelled one cleans up after itself before.
async fn follow(
    session: &Session,
    mut build: BuildHandle,
    printer: &Printer,
) -> Result<Vec<LayerProgress>, Failure> {
    let built = progress::follow(&mut build, printer).await;
    if built.is_err() {
        session.shut_down().await;
    }
    built.map(|_| api::layers(&build.progress))
}

/// Local sources by the path that holds wherever the record is read, and is the same however it was said.
pub(crate) fn absolute(source: ImageSource) -> Result<ImageSource, Failure> {
    let whole = |path: &Path| -> Result<PathBuf, Failure> {
        // What is not there, or not for us to see, is told later, by its name.
        path.canonicalize()
            .or_else(|_| std::path::absolute(path))
            .map_err(|error| Failure::system(format_args!("find {}", path.display()), &error))
    };
    Ok(match source {
        ImageSource::OciLayout { dir, name } => ImageSource::OciLayout { dir: whole(&dir)?, name },
        ImageSource::DockerArchive { file, name } => ImageSource::DockerArchive { file: whole(&file)?, name },
        registry @ ImageSource::Registry(_) => registry,
    })
}
