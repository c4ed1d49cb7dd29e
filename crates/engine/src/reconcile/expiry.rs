//! What is over: caches whose time has come, caches to be deleted once nothing uses them, earlier snapshots.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use model::rules::{Due, due, expires};
use model::{CacheId, EventKind, EventReason, Generation, ImageCache, ImageSnapshotId, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::idle::{LastLook, Looked};
use super::{FirstError, Reconciler};
use crate::{Engine, Error};

pub(super) struct Expiry {
    engine: Engine,
    last: LastLook,
    /// Whose time is over, or whose deletion was asked for, and that were still there after that: instances hold them.
    waiting: BTreeSet<CacheId>,
}

impl Expiry {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, last: LastLook::default(), waiting: BTreeSet::new() }
    }
}

#[async_trait]
impl Reconciler for Expiry {
    fn name(&self) -> &'static str {
        "expiry"
    }

    fn interval(&self) -> Duration {
        self.engine.workshop.parts.settings.intervals.expiry
    }

    fn signal(&self) -> &Notify {
        &self.engine.workshop.signals.expiry
    }

    async fn pass(&mut self, stop: &CancellationToken) -> Result<(), Error> {
        let Some(look) = self.last.due(&self.engine).await? else { return Ok(()) };
        let held = self.engine.records().held_snapshots().await?;
        let (mut only, mut next) = (look.only, look.next);
        if let Some(written) = only.as_mut().filter(|_| look.instances) {
            written.extend(&self.waiting);
        }
        let (mut failed, mut over) = (FirstError::default(), BTreeSet::new());
        let mut looked = Looked::at(only.clone());
        while let Some(caches) = looked.some(&self.engine).await? {
            for cache in caches {
                if stop.is_cancelled() {
                    return failed.into_result();
                }
                if self.engine.is_over(&cache) {
                    over.insert(cache.id);
                }
                next = [next, self.engine.next_end(&cache)].into_iter().flatten().min();
                failed.note(self.engine.end_what_is_over(&cache, &held).await);
            }
        }
        if failed.0.is_none() {
            // Those that are deleted by now were written so, and leave with the next look.
            self.waiting.retain(|id| only.as_ref().is_some_and(|only| !only.contains(id)));
            self.waiting.append(&mut over);
            self.last.done(look.seen, next);
        }
        failed.into_result()
    }
}

fn names(cache: &ImageCache, held: &BTreeSet<ImageSnapshotId>) -> bool {
    let earlier = cache.generations.iter().map(|generation| generation.snapshot);
    cache.snapshot.into_iter().chain(earlier).any(|snapshot| held.contains(&snapshot))
}

impl Engine {
    /// The next instant after now at which something of the cache is over.
    fn next_end(&self, cache: &ImageCache) -> Option<Timestamp> {
        let now = self.clock().now();
        let generations = cache.generations.iter().map(|generation| generation.kept_until);
        let ends = expires(cache, &self.workshop.parts.settings.retention).into_iter().chain(generations);
        ends.filter(|end| *end > now).min()
    }

    /// Whether something of the cache is over by its record alone, whoever holds it.
    fn is_over(&self, cache: &ImageCache) -> bool {
        let now = self.clock().now();
        let generations = cache.generations.iter().map(|generation| generation.kept_until);
        let mut ends = expires(cache, &self.workshop.parts.settings.retention).into_iter().chain(generations);
        cache.deleting.is_some() || ends.any(|end| end <= now)
    }

    async fn end_what_is_over(
        &self,
        cache: &ImageCache,
        held: &BTreeSet<ImageSnapshotId>,
    ) -> Result<(), Error> {
        let rules = &self.workshop.parts.settings.retention;
        match due(cache, names(cache, held), rules, self.clock().now()) {
            Some(Due::AskedDeletion) => {
                let message = format!("`{}` was deleted as asked for, now that nothing uses it", cache.name);
                self.delete_over(cache, EventReason::Deleted, message).await
            }
            Some(Due::Expiry) => {
                let message = format!("`{}` was deleted since its time was over", cache.name);
                self.delete_over(cache, EventReason::Expired, message).await
            }
            Some(Due::Generations(over)) => self.drop_generations(cache, &over).await,
            Some(Due::Refresh) | None => Ok(()),
        }
    }

    async fn delete_over(
        &self,
        cache: &ImageCache,
        reason: EventReason,
        message: String,
    ) -> Result<(), Error> {
        let event = self.workshop.event(cache.id, EventKind::Normal, reason, message.clone());
        match self.delete_recorded(cache.id, event.clone()).await {
            Ok(_) => {
                tracing::info!(cache = %cache.id, account = %cache.account, "{message}");
                Ok(())
            }
            // An instance started from it just now; the cache goes when that does.
            Err(Error::Records(metastore::Error::CacheInUse { .. } | metastore::Error::NoCache(_))) => Ok(()),
            Err(Error::Records(metastore::Error::CacheBuilding { .. })) => {
                // Its build is told to end; the end of the build brings the cache back here.
                self.records().ask_deletion(cache.id, &[], self.clock().now()).await?;
                self.workshop.cancel_builds_of(cache.id);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn drop_generations(&self, cache: &ImageCache, over: &[Generation]) -> Result<(), Error> {
        let snapshots: Vec<ImageSnapshotId> = over.iter().map(|generation| generation.snapshot).collect();
        let event = |snapshot: &ImageSnapshotId| {
            let message = format!("the earlier image snapshot {snapshot} was let go");
            self.workshop.event(cache.id, EventKind::Normal, EventReason::GenerationExpired, message)
        };
        let events: Vec<_> = snapshots.iter().map(event).collect();
        let change = match self.records().drop_generations(cache.id, &snapshots, &events).await {
            Err(metastore::Error::NoCache(_)) => return Ok(()),
            change => change?,
        };
        crate::build::step("generations-dropped")?;
        self.workshop.let_go(&change.released).await;
        Ok(())
    }
}
