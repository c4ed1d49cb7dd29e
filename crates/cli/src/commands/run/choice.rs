//! From the command line to what starts: a cache that was said, or the best one for an image.

use std::future::Future;

use engine::{BuildProgress, CacheChoice, StartChoice, StartOutcome, StartWish};
use model::matching::MatchCondition;
use model::{ByteSize, CacheId, CacheName, ImageSource, InstanceId, Platform};
use wire::PickCache;

use crate::app::App;
use crate::args::{CacheWord, RunArgs};
use crate::commands::create::absolute;
use crate::exit::Failure;
use crate::printer::Printer;
use crate::progress;

/// What the instance starts from. What is missing is fetched, with progress; Ctrl-C ends that and keeps finished layers.
pub(super) async fn choose(app: &App, wish: &StartWish, printer: &Printer) -> Result<StartChoice, Failure> {
    let progress = BuildProgress::default();
    let work = app.engine.choose_start(&app.account, wish, &progress);
    let chosen = Box::pin(follow(app, &progress, work, printer)).await??;
    tell(wish, &chosen, printer);
    Ok(chosen)
}

/// What the command line asks for.
pub(super) async fn wish(app: &App, args: &RunArgs, id: InstanceId) -> Result<StartWish, Failure> {
    let found = async || match app.engine.find_cache(&app.account, &args.target).await {
        Ok(_) => Ok(true),
        Err(engine::Error::UnknownCache { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    };
    let Target { cache, image } = target(args, found).await?;
    let condition = match (args.choice.perfect_match, args.choice.match_count) {
        (true, _) => MatchCondition::Perfect,
        (false, Some(least)) => MatchCondition::AtLeast(least),
        (false, None) => MatchCondition::Any,
    };
    let cache = match cache {
        PickCache::Auto => CacheChoice::Auto,
        PickCache::None => CacheChoice::None,
        PickCache::Only(word) => CacheChoice::Only(word),
    };
    let wish = StartWish {
        policy: args.choice.policy.into(),
        condition,
        staleness: args.choice.staleness.map(Into::into),
        ..StartWish::new(id, Vec::new(), args.platform.clone())
    };
    Ok(StartWish { cache, images: image.into_iter().collect(), ..wish })
}

/// What the command line says is to start.
pub(super) struct Target {
    pub(super) cache: PickCache,
    pub(super) image: Option<ImageSource>,
}

/// The user's word as a cache, where one has that name or id, as `is_cache` finds out, else as an image.
pub(super) async fn target(
    args: &RunArgs,
    is_cache: impl AsyncFnOnce() -> Result<bool, Failure>,
) -> Result<Target, Failure> {
    if let Some(target) = said(args)? {
        return Ok(target);
    }
    match is_cache().await? {
        true => Ok(Target { cache: PickCache::Only(args.target.clone()), image: None }),
        false => Ok(Target { cache: PickCache::Auto, image: Some(image_of_word(&args.target)?) }),
    }
}

/// What is said without a look at the caches: which one, by `--cache`, or that it is one, by `--image`.
pub(super) fn said(args: &RunArgs) -> Result<Option<Target>, Failure> {
    if let Some(word) = &args.choice.cache {
        let cache = match word {
            CacheWord::Auto => PickCache::Auto,
            CacheWord::None => PickCache::None,
            CacheWord::Only(word) => PickCache::Only(word.clone()),
        };
        return Ok(Some(Target { cache, image: Some(named_image(&args.target)?) }));
    }
    let Some(image) = args.image.clone() else { return Ok(None) };
    Ok(Some(Target { cache: PickCache::Only(args.target.clone()), image: Some(absolute(image)?) }))
}

/// The image that a word is which is no cache.
pub(super) fn image_of_word(word: &str) -> Result<ImageSource, Failure> {
    named_image(word).map_err(|failure| {
        let why = failure.message;
        Failure::input(format!("failed to find a cache `{word}`, and it is no image either: {why}"))
    })
}

fn named_image(word: &str) -> Result<ImageSource, Failure> {
    absolute(word.parse().map_err(|error: model::SourceError| Failure::input(error.to_string()))?)
}

/// Shows the progress of what is fetched.
async fn follow<T>(
    app: &App,
    progress: &BuildProgress,
    work: impl Future<Output = T>,
    printer: &Printer,
) -> Result<T, Failure> {
    match progress::watch(progress, work, printer).await? {
        Some(done) => Ok(done),
        None => {
            // What was being made cleans up after itself before the process ends.
            app.shut_down().await;
            Err(engine::Error::from(engine::BuildError::Cancelled).into())
        }
    }
}

/// Says what no cache had. A hit says nothing.
fn tell(wish: &StartWish, chosen: &StartChoice, printer: &Printer) {
    let images: Vec<String> = chosen.images.iter().map(|image| image.source.to_string()).collect();
    let cache = match chosen.outcome {
        StartOutcome::Hit => return,
        StartOutcome::PartlyHit => chosen.cache.as_ref().map(|cache| &cache.name),
        StartOutcome::Miss => None,
    };
    printer.note(&fetched(cache, &images.join(", "), &wish.platform, chosen.fetched));
}

/// What was fetched, and what of it the cache had.
pub(super) fn fetched(
    cache: Option<&CacheName>,
    images: &str,
    platform: &Platform,
    fetched: ByteSize,
) -> String {
    let fetched = format!("{fetched} fetched for this instance");
    match cache {
        Some(name) => format!("the cache {name} does not have all of {images} for {platform}: {fetched}"),
        None => format!("no cache has {images} for {platform}: {fetched}"),
    }
}

/// Which cache was made beside a start.
pub(super) fn found_next(name: &CacheName, id: CacheId) -> String {
    format!("the next start finds it in the cache {name} ({id})")
}
