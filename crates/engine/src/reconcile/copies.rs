//! Standard snapshots that are to follow their flash ones, and flash ones that need not stay.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::{CopyState, EventKind, EventReason, ImageCache, ImageSnapshot, Percent, SnapshotCopies};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::looks::{Concern, LastLook, Surveys};
use super::{FirstError, Reconciler};
use crate::copies::CopyProgress;
use crate::{BuildError, Engine, Error, chain};

/// How often the progress of a copy is recorded at most.
const TICK: Duration = Duration::from_secs(1);

/// Where there are standard copies, all are looked at again after so many microseconds.
const AGAIN: i64 = 3_600_000_000;

pub(super) struct Copies {
    engine: Engine,
    last: LastLook,
}

impl Copies {
    pub(super) fn new(engine: Engine, surveys: &Arc<Surveys>) -> Self {
        Self { engine, last: LastLook::new(Concern::Copies, surveys) }
    }
}

#[async_trait]
impl Reconciler for Copies {
    fn name(&self) -> &'static str {
        "copies"
    }

    fn interval(&self) -> Duration {
        self.engine.workshop.parts.settings.intervals.copies
    }

    fn looks_at_all(&self) -> bool {
        true
    }

    fn signal(&self) -> &Notify {
        &self.engine.workshop.signals.copies
    }

    async fn pass(&mut self, stop: &CancellationToken) -> Result<(), Error> {
        let Some(mut look) = self.last.look(&self.engine).await? else { return Ok(()) };
        let mut failed = FirstError::default();
        loop {
            let caches = look.next(&self.engine).await?;
            if caches.is_empty() {
                break;
            }
            for (cache, _) in caches.iter().filter(|(_, is_unsettled)| *is_unsettled) {
                if stop.is_cancelled() {
                    return failed.into_result();
                }
                let settled = self.engine.settle_copies(cache, stop).await;
                if settled.is_err() {
                    look.failed(cache.id);
                }
                failed.note(settled);
            }
        }
        // Nothing is written about a copy that somebody deletes.
        if self.engine.workshop.parts.standard.is_some() {
            look.again_by(self.engine.clock().now().plus_micros(AGAIN));
        }
        self.last.done(look);
        failed.into_result()
    }
}

const SETTLED: SnapshotCopies = SnapshotCopies { flash: CopyState::Absent, standard: CopyState::Complete };
const BOTH: SnapshotCopies = SnapshotCopies { flash: CopyState::Complete, standard: CopyState::Complete };

impl Engine {
    /// Whether anything may be to do for a cache's copies, by its record alone.
    pub(super) fn is_unsettled(&self, cache: &ImageCache) -> bool {
        if !cache.is_usable() {
            return false;
        }
        match &self.workshop.parts.standard {
            Some(_) => cache.copies != SETTLED || cache.policy.copies.standard_copies.get() > 1,
            None => cache.copies != BOTH,
        }
    }

    /// Brings the copies of a cache's snapshot to what they are to be: so many standard ones, and then no flash one.
    async fn settle_copies(&self, cache: &ImageCache, stop: &CancellationToken) -> Result<(), Error> {
        let Some(id) = cache.snapshot else { return Ok(()) };
        let failed = || Error::store("read an image snapshot");
        let here = self.store().get_snapshot(id).await.map_err(failed())?;
        let flash = if here.is_some() { CopyState::Complete } else { CopyState::Absent };
        let found = match here {
            Some(here) => Some(here),
            None => self.workshop.standard_document(id).await.map_err(failed())?,
        };
        // One that is gone is the collection's concern.
        let Some(snapshot) = found else { return Ok(()) };
        if self.workshop.parts.standard.is_none() {
            // The one store is both; a snapshot that was rolled back to is noted anew.
            return self.note_copies(cache, &snapshot, BOTH, &[]).await;
        }
        let count = cache.policy.copies.standard_copies.get();
        let has = self.workshop.has_standard_copies(id, count).await;
        if !has.map_err(Error::store("look for standard snapshots"))? {
            match self.copy(cache, &snapshot, flash, count, stop).await {
                Err(BuildError::Cancelled) => return Ok(()),
                Err(error) => return self.note_failed_copy(cache, &snapshot, flash, error).await,
                Ok(()) => {}
            }
        }
        self.note_standard(cache, &snapshot, flash, count).await?;
        match self.records().cache(cache.id).await {
            Ok(now) if flash == CopyState::Complete && now.snapshot == Some(id) => {
                self.release_flash(&now, &snapshot, count).await
            }
            Err(error) if error.kind() != metastore::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn copy(
        &self,
        cache: &ImageCache,
        snapshot: &ImageSnapshot,
        flash: CopyState,
        count: u32,
        stop: &CancellationToken,
    ) -> Result<(), BuildError> {
        let progress = CopyProgress::default();
        let tell = async {
            let mut told = None;
            loop {
                let percent = progress.percent();
                if told != Some(percent) {
                    self.note_copying(cache, snapshot, flash, percent).await;
                    told = Some(percent);
                }
                self.workshop.parts.timer.sleep(TICK).await;
            }
        };
        tokio::select! {
            copied = self.workshop.copy_to_standard(snapshot, count, &progress, stop) => copied,
            never = tell => never,
        }
    }

    async fn note_copying(
        &self,
        cache: &ImageCache,
        snapshot: &ImageSnapshot,
        flash: CopyState,
        progress: Percent,
    ) {
        let copies = SnapshotCopies { flash, standard: CopyState::Copying { progress } };
        if let Err(error) = self.records().note_copies(cache.id, snapshot.id, copies, &[]).await {
            tracing::warn!(cache = %cache.id, error = chain(&error), "failed to tell of a copy");
        }
    }

    async fn note_standard(
        &self,
        cache: &ImageCache,
        snapshot: &ImageSnapshot,
        flash: CopyState,
        count: u32,
    ) -> Result<(), Error> {
        let copies = SnapshotCopies { flash, standard: CopyState::Complete };
        if cache.copies == copies {
            return Ok(());
        }
        let event = |reason, message| self.workshop.event(cache.id, EventKind::Normal, reason, message);
        let mut events = Vec::new();
        if cache.copies.standard != CopyState::Complete {
            let message = format!("image snapshot {}: {count} standard copies", snapshot.id);
            events.push(event(EventReason::StandardCompleted, message));
        }
        if cache.copies.flash == CopyState::Complete && flash == CopyState::Absent {
            let message = format!("image snapshot {} is started from its standard copies", snapshot.id);
            events.push(event(EventReason::FlashReleased, message));
        }
        self.records().note_copies(cache.id, snapshot.id, copies, &events).await?;
        crate::build::step("standard-noted")?;
        Ok(())
    }

    async fn note_copies(
        &self,
        cache: &ImageCache,
        snapshot: &ImageSnapshot,
        copies: SnapshotCopies,
        events: &[model::Event],
    ) -> Result<(), Error> {
        if cache.copies != copies {
            self.records().note_copies(cache.id, snapshot.id, copies, events).await?;
        }
        Ok(())
    }

    async fn note_failed_copy(
        &self,
        cache: &ImageCache,
        snapshot: &ImageSnapshot,
        flash: CopyState,
        error: BuildError,
    ) -> Result<(), Error> {
        let message = chain(&error);
        let event = self.workshop.event(cache.id, EventKind::Warning, EventReason::StandardFailed, message);
        let copies = SnapshotCopies { flash, standard: CopyState::Absent };
        self.records().note_copies(cache.id, snapshot.id, copies, &[event]).await?;
        Err(error.into())
    }

    /// Lets the flash snapshot go: its document, and with the next collection the blobs that nobody uses. Killed between the
    /// two steps, the next pass finds it absent and says so.
    async fn release_flash(
        &self,
        cache: &ImageCache,
        snapshot: &ImageSnapshot,
        count: u32,
    ) -> Result<(), Error> {
        let deleted = self.store().delete_snapshot(snapshot.id).await;
        deleted.map_err(Error::store("delete an image snapshot"))?;
        crate::build::step("flash-released")?;
        self.note_standard(cache, snapshot, CopyState::Absent, count).await
    }
}
