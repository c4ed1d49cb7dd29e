//! Tags that may have moved: compared with their registries, and the cache updated where one did.

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::StreamExt as _;
use metastore::{BuildPlan, CacheEdit, CacheFilter, ErrorKind, Page};
use model::rules::refresh_due;
use model::{EventKind, EventReason, ImageCache, ImageSnapshot, ImageSource, ManifestDigest, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::idle::LastLook;
use super::{FirstError, Reconciler};
use crate::{BuildError, Engine, Error, chain};

/// Caches whose tags are compared at once.
const AT_ONCE: usize = 4;

/// A tag that means another image than when the cache was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedTag {
    /// The image.
    pub image: ImageSource,
    /// What the cache has.
    pub from: ManifestDigest,
    /// What it means now.
    pub to: ManifestDigest,
}

pub(super) struct Refresh {
    engine: Engine,
    last: LastLook,
}

impl Refresh {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, last: LastLook::default() }
    }

    /// The caches that are due, and when the next one will be.
    async fn due(&self) -> Result<(Vec<ImageCache>, Option<Timestamp>), Error> {
        let now = self.engine.clock().now();
        let (mut due, mut next): (_, Option<Timestamp>) = (Vec::new(), None);
        let mut page = Page::first();
        loop {
            let caches = self.engine.records().find_caches(&CacheFilter::default(), page).await?;
            let Some(last) = caches.last() else { return Ok((due, next)) };
            page = Page::after(last.id);
            for cache in caches {
                match refresh_due(&cache) {
                    Some(at) if at <= now => due.push(cache),
                    Some(at) => next = Some(next.map_or(at, |next| next.min(at))),
                    None => {}
                }
            }
        }
    }
}

#[async_trait]
impl Reconciler for Refresh {
    fn name(&self) -> &'static str {
        "refresh"
    }

    fn interval(&self) -> Duration {
        self.engine.workshop.parts.settings.intervals.refresh
    }

    fn signal(&self) -> &Notify {
        &self.engine.workshop.signals.refresh
    }

    async fn pass(&mut self, stop: &CancellationToken) -> Result<(), Error> {
        let Some(newest) = self.last.is_needed(&self.engine).await? else { return Ok(()) };
        let (due, next) = self.due().await?;
        let is_quiet = due.is_empty();
        let engine = &self.engine;
        let looks = due.into_iter().map(|cache| async move { engine.refresh(&cache).await });
        let mut looks = futures::stream::iter(looks).buffer_unordered(AT_ONCE);
        let mut failed = FirstError::default();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return failed.into_result(),
                done = looks.next() => match done {
                    Some(done) => failed.note(done),
                    None => break,
                },
            }
        }
        drop(looks);
        // What was looked at has been written, so the next look comes soon, and finds when these are due again.
        if failed.0.is_none() && is_quiet {
            self.last.done(newest, next);
        }
        failed.into_result()
    }
}

impl Engine {
    /// Compares a cache's tags with their registries: of those that mean another image by now, which one.
    ///
    /// # Errors
    /// Where a registry cannot be asked, or the cache's credentials cannot be opened.
    pub async fn moved_tags(
        &self,
        cache: &ImageCache,
        snapshot: &ImageSnapshot,
    ) -> Result<Vec<MovedTag>, BuildError> {
        let registry = self.workshop.registry_of(cache, &CancellationToken::new()).await?;
        let mut moved = Vec::new();
        for image in &snapshot.images {
            if matches!(&image.source, ImageSource::Registry(reference) if reference.digest().is_some()) {
                continue;
            }
            let resolved = registry.resolve(&image.source, &cache.platform).await;
            let resolved = resolved.map_err(|error| BuildError::Resolve(error.into()))?;
            let (from, to) = (image.manifest_digest, resolved.manifest.digest);
            if from != to {
                moved.push(MovedTag { image: image.source.clone(), from, to });
            }
        }
        Ok(moved)
    }

    /// Looks at a cache's tags and asks for a build where one has moved. Where the registry cannot be asked, the cache
    /// serves on, and says so.
    async fn refresh(&self, cache: &ImageCache) -> Result<(), Error> {
        let now = self.clock().now();
        let Some(snapshot) = self.snapshot_of(cache).await? else { return Ok(()) };
        let events = match self.moved_tags(cache, &snapshot).await {
            Ok(moved) if moved.is_empty() => Vec::new(),
            Ok(moved) => return self.rebuild(cache, &moved).await,
            Err(error) => {
                let message = chain(&error);
                vec![self.workshop.event(cache.id, EventKind::Warning, EventReason::RefreshFailed, message)]
            }
        };
        still_there(self.records().note_cache_checked(cache.id, &events, now).await)
    }

    async fn rebuild(&self, cache: &ImageCache, moved: &[MovedTag]) -> Result<(), Error> {
        let now = self.clock().now();
        let event = |tag: &MovedTag| {
            let message = format!("{} is {} by now; the cache has {}", tag.image, tag.to, tag.from);
            self.workshop.event(cache.id, EventKind::Normal, EventReason::TagMoved, message)
        };
        let events: Vec<_> = moved.iter().map(event).collect();
        let plan = BuildPlan { images: cache.images.clone(), size_limit: cache.size_limit };
        let build = self.new_build(cache.id, plan, false);
        let edit = CacheEdit::default();
        // The build first: where it is not asked for, the tags are to be looked at again.
        let asked = self.records().update_cache(cache.id, &edit, Some(&build), None, &events, now).await;
        still_there(asked.map(|_| ()))?;
        crate::build::step("refresh-asked")?;
        self.workshop.signals.builds.notify_one();
        still_there(self.records().note_cache_checked(cache.id, &[], now).await)
    }
}

/// A cache that was deleted, or is being built by now, needs no refresh.
fn still_there(done: metastore::Result<()>) -> Result<(), Error> {
    match done {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Refused) => Ok(()),
        done => Ok(done?),
    }
}
