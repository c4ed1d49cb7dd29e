//! From the command line to what starts: a cache that was said, or the best one for an image.

use std::future::Future;

use engine::{BuildProgress, CacheChoice, StartChoice, StartOutcome, StartWish};
use model::matching::MatchCondition;
use model::{ImageSource, InstanceId};

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

/// The user's word as a cache, where one has that name or id, else as an image.
pub(super) async fn wish(app: &App, args: &RunArgs, id: InstanceId) -> Result<StartWish, Failure> {
    let image = args.image.clone().map(absolute).transpose()?;
    let condition = match (args.choice.perfect_match, args.choice.match_count) {
        (true, _) => MatchCondition::Perfect,
        (false, Some(least)) => MatchCondition::AtLeast(least),
        (false, None) => MatchCondition::Any,
    };
    let wish = StartWish {
        policy: args.choice.policy.into(),
        condition,
        staleness: args.choice.staleness.map(Into::into),
        ..StartWish::new(id, Vec::new(), args.platform.clone())
    };
    let (cache, images) = match &args.choice.cache {
        Some(word) => {
            let choice = match word {
                CacheWord::Auto => CacheChoice::Auto,
                CacheWord::None => CacheChoice::None,
                CacheWord::Only(word) => CacheChoice::Only(word.clone()),
            };
            (choice, vec![named_image(&args.target)?])
        }
        None => match app.engine.find_cache(&app.account, &args.target).await {
            Ok(_) => (CacheChoice::Only(args.target.clone()), image.into_iter().collect()),
            Err(engine::Error::UnknownCache { .. }) if image.is_none() => {
                let source = named_image(&args.target).map_err(|failure| {
                    let word = &args.target;
                    let why = failure.message;
                    Failure::input(format!(
                        "failed to find a cache `{word}`, and it is no image either: {why}"
                    ))
                })?;
                (CacheChoice::Auto, vec![source])
            }
            Err(error) => return Err(error.into()),
        },
    };
    Ok(StartWish { cache, images, ..wish })
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
    let (images, platform, fetched) = (images.join(", "), &wish.platform, chosen.fetched);
    match (chosen.outcome, &chosen.cache) {
        (StartOutcome::Hit, _) => {}
        (StartOutcome::PartlyHit, Some(cache)) => printer.note(&format!(
            "the cache {} has a part of {images} for {platform}: {fetched} fetched for this instance",
            cache.name
        )),
        _ => printer
            .note(&format!("no cache has {images} for {platform}: {fetched} fetched for this instance")),
    }
}
