//! What is over: caches whose time has come, caches to be deleted once nothing uses them, earlier snapshots.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::rules::{Due, due};
use model::{EventKind, EventReason, Generation, ImageCache, ImageSnapshotId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::looks::{Concern, LastLook, Surveys};
use super::{FirstError, Reconciler};
use crate::{Engine, Error};

pub(super) struct Expiry {
    engine: Engine,
    last: LastLook,
}

impl Expiry {
    pub(super) fn new(engine: Engine, surveys: &Arc<Surveys>) -> Self {
        Self { engine, last: LastLook::new(Concern::Expiry, surveys) }
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

    fn looks_at_all(&self) -> bool {
        true
    }

    fn signal(&self) -> &Notify {
        &self.engine.workshop.signals.expiry
    }

    async fn pass(&mut self, stop: &CancellationToken) -> Result<(), Error> {
        let Some(mut look) = self.last.look(&self.engine).await? else { return Ok(()) };
        let held = self.engine.records().held_snapshots().await?;
        let mut failed = FirstError::default();
        loop {
            let caches = look.next(&self.engine).await?;
            if caches.is_empty() {
                break;
            }
            for (cache, _) in caches.iter().filter(|(_, is_over)| *is_over) {
                if stop.is_cancelled() {
                    return failed.into_result();
                }
                // One that is used goes with its last instance, whose end is not written about the cache.
                look.again(cache.id);
                let ended = self.engine.end_what_is_over(cache, &held).await;
                if ended.is_err() {
                    look.failed(cache.id);
                }
                failed.note(ended);
            }
        }
        self.last.done(look);
        failed.into_result()
    }
}

fn names(cache: &ImageCache, held: &BTreeSet<ImageSnapshotId>) -> bool {
    let earlier = cache.generations.iter().map(|generation| generation.snapshot);
    cache.snapshot.into_iter().chain(earlier).any(|snapshot| held.contains(&snapshot))
}

impl Engine {
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
            None => Ok(()),
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
