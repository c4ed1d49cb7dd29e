//! Tags that may have moved: compared with their registries, and the cache updated where one did.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::StreamExt as _;
use metastore::{BuildPlan, CacheEdit, ErrorKind};
use model::{
    CacheId, Event, EventKind, EventReason, ImageCache, ImageSnapshot, ImageSource, ManifestDigest,
    SnapshotImage,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::looks::{Concern, LastLook, Look, Surveys};
use super::{FirstError, Reconciler};
use crate::{BuildError, Engine, Error, StartChoice, chain};

/// Caches whose tags are compared at once.
const AT_ONCE: usize = 4;

/// How long a start without a server waits for what a registry says of tags.
const PATIENCE: Duration = Duration::from_secs(5);

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
    /// Looks that were asked for and have not been had.
    asked: BTreeSet<CacheId>,
}

impl Refresh {
    pub(super) fn new(engine: Engine, surveys: &Arc<Surveys>) -> Self {
        let last = LastLook::new(Concern::Refresh, surveys);
        Self { engine, last, asked: BTreeSet::new() }
    }

    /// The caches that are due.
    async fn due(&self, look: &mut Look) -> Result<Vec<ImageCache>, Error> {
        let mut due = Vec::new();
        loop {
            let caches = look.next(&self.engine).await?;
            if caches.is_empty() {
                return Ok(due);
            }
            due.extend(caches.into_iter().filter(|(_, is_due)| *is_due).map(|(cache, _)| cache));
        }
    }

    /// The caches that somebody wants looked at, those that are there and not being built.
    async fn asked(&self) -> Result<Vec<ImageCache>, Error> {
        let mut caches = Vec::with_capacity(self.asked.len());
        for id in &self.asked {
            match self.engine.records().cache(*id).await {
                Ok(cache) if cache.is_usable() && !cache.state.is_building() => caches.push(cache),
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(caches)
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

    fn looks_at_all(&self) -> bool {
        true
    }

    fn signal(&self) -> &Notify {
        &self.engine.workshop.signals.refresh
    }

    async fn pass(&mut self, stop: &CancellationToken) -> Result<(), Error> {
        self.asked.append(&mut self.engine.workshop.signals.asked_looks());
        let mut look = self.last.look(&self.engine).await?;
        let mut due = match &mut look {
            Some(look) => self.due(look).await?,
            None => Vec::new(),
        };
        for cache in self.asked().await? {
            if !due.iter().any(|other| other.id == cache.id) {
                due.push(cache);
            }
        }
        let engine = &self.engine;
        let looks = due.into_iter().map(|cache| async move { (cache.id, engine.refresh(&cache).await) });
        let mut looks = futures::stream::iter(looks).buffer_unordered(AT_ONCE);
        let mut failed = FirstError::default();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return failed.into_result(),
                done = looks.next() => match done {
                    Some((cache, done)) => {
                        if let (Some(look), true) = (&mut look, done.is_err()) {
                            look.failed(cache);
                        }
                        failed.note(done);
                    }
                    None => break,
                },
            }
        }
        drop(looks);
        self.asked.clear();
        // What was looked at has been written: the next look finds when it is due again.
        if let Some(look) = look {
            self.last.done(look);
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
        let is_fixed = |image: &&SnapshotImage| matches!(&image.source, ImageSource::Registry(reference) if reference.digest().is_some());
        let tagged: Vec<&SnapshotImage> = snapshot.images.iter().filter(|image| !is_fixed(image)).collect();
        let sources = tagged.iter().map(|image| image.source.clone()).collect();
        let resolved = self.resolve_all(&registry, sources, &cache.platform).await?;
        let tags = tagged.into_iter().zip(resolved).map(|(image, resolved)| MovedTag {
            image: image.source.clone(),
            from: image.manifest_digest,
            to: resolved.manifest.digest,
        });
        Ok(tags.filter(|tag| tag.from != tag.to).collect())
    }

    /// Has a cache's tags looked at behind a start that wants it: by the reconciler where one runs here. Elsewhere here and
    /// now, and only told: nobody would make a build that was asked for.
    pub(crate) async fn look_behind(&self, choice: &StartChoice) {
        let Some(cache) = choice.cache.as_ref().filter(|_| choice.looks_again) else { return };
        if self.workshop.signals.ask_for_look(cache.id) {
            return;
        }
        let events = match tokio::time::timeout(PATIENCE, self.look(cache)).await {
            Ok(Ok(moved)) => moved.iter().map(|tag| self.tag_moved(cache, tag)).collect(),
            Ok(Err(error)) => vec![self.refresh_failed(cache, chain(&error))],
            Err(_) => {
                let message = format!("no registry has answered for {} s", PATIENCE.as_secs());
                vec![self.refresh_failed(cache, message)]
            }
        };
        if let Err(error) =
            still_there(self.records().note_cache_checked(cache.id, &events, self.clock().now()).await)
        {
            tracing::warn!(cache = %cache.id, error = chain(&error), "failed to note a look at a cache's tags");
        }
    }

    async fn look(&self, cache: &ImageCache) -> Result<Vec<MovedTag>, Error> {
        match self.snapshot_of(cache).await? {
            Some(snapshot) => Ok(self.moved_tags(cache, &snapshot).await?),
            None => Ok(Vec::new()),
        }
    }

    fn tag_moved(&self, cache: &ImageCache, tag: &MovedTag) -> Event {
        let message = format!("{} is {} by now; the cache has {}", tag.image, tag.to, tag.from);
        self.workshop.event(cache.id, EventKind::Normal, EventReason::TagMoved, message)
    }

    fn refresh_failed(&self, cache: &ImageCache, message: String) -> Event {
        self.workshop.event(cache.id, EventKind::Warning, EventReason::RefreshFailed, message)
    }

    /// Looks at a cache's tags and asks for a build where one has moved. Where the registry cannot be asked, the cache
    /// serves on, and says so.
    async fn refresh(&self, cache: &ImageCache) -> Result<(), Error> {
        let now = self.clock().now();
        let Some(snapshot) = self.snapshot_of(cache).await? else { return Ok(()) };
        let events = match self.moved_tags(cache, &snapshot).await {
            Ok(moved) if moved.is_empty() => Vec::new(),
            Ok(moved) => return self.rebuild(cache, &moved).await,
            Err(error) => vec![self.refresh_failed(cache, chain(&error))],
        };
        still_there(self.records().note_cache_checked(cache.id, &events, now).await)
    }

    async fn rebuild(&self, cache: &ImageCache, moved: &[MovedTag]) -> Result<(), Error> {
        let now = self.clock().now();
        let events: Vec<_> = moved.iter().map(|tag| self.tag_moved(cache, tag)).collect();
        let plan = BuildPlan { images: cache.images.clone(), size_limit: cache.size_limit };
        let build = self.new_build(cache.id, plan, false);
        let edit = CacheEdit::default();
        // The build first: where it is not asked for, the tags are to be looked at again.
        let asked = self.records().update_cache(cache.id, &edit, Some(&build), None, &events, now).await;
        match asked {
            // Its tags are still to be looked at: what is built at this moment may be older than they are.
            Err(error) if is_past(&error) => return Ok(()),
            asked => drop(asked?),
        }
        crate::build::step("refresh-asked")?;
        self.workshop.signals.builds.notify_one();
        still_there(self.records().note_cache_checked(cache.id, &[], now).await)
    }
}

/// A cache that was deleted, or is being built by now, needs no refresh.
fn still_there(done: metastore::Result<()>) -> Result<(), Error> {
    match done {
        Err(error) if is_past(&error) => Ok(()),
        done => Ok(done?),
    }
}

fn is_past(error: &metastore::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Refused)
}
