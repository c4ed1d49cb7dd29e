//! What the records say of a build: its notes on the way, and its end, whichever it is.

use std::sync::Arc;
use std::time::Duration;

use blobstore::Lease;
use metastore::{CacheChange, SnapshotRecord};
use model::rules::generation_kept_until;
use model::{BuildFailure, CacheId, Event, EventKind, EventReason, ImageCache, ImageSnapshot, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::layer_job::LayerMade;
use super::run::step;
use super::wanted::Wanted;
use super::{BuildOrder, Workshop};
use crate::{BuildError, FailureKind, chain};

/// How long a build asks records that are busy.
const PATIENCE: Duration = Duration::from_secs(300);

/// Between two such tries, each of which has waited its own time.
const BUSY_PAUSE: Duration = Duration::from_millis(200);

/// Asks the records again, however long others keep them locked, within reason.
pub(super) async fn patiently<T, F>(cancel: &CancellationToken, ask: impl Fn() -> F) -> metastore::Result<T>
where
    F: Future<Output = metastore::Result<T>>,
{
    let begun = Instant::now();
    loop {
        match ask().await {
            Err(error) if error.kind() == metastore::ErrorKind::Busy && begun.elapsed() < PATIENCE => {
                tracing::warn!(error = chain(&error), "the records are busy; a build asks them again");
                tokio::select! {
                    () = cancel.cancelled() => return Err(error),
                    () = tokio::time::sleep(BUSY_PAUSE) => {}
                }
            }
            answer => return answer,
        }
    }
}

impl Workshop {
    /// The records refused a build that was done. Where only their answer was lost, it is recorded all the same.
    pub(super) async fn failed_to_record(
        &self,
        order: &BuildOrder,
        error: BuildError,
    ) -> Result<ImageCache, BuildError> {
        match self.parts.records.cache(order.cache.id).await {
            Ok(cache) if cache.snapshot == Some(order.snapshot) => {
                self.ended.well();
                Ok(cache)
            }
            _ => Err(self.record_failure(order, error).await),
        }
    }

    pub(super) async fn record_success(
        &self,
        order: &BuildOrder,
        (lease, snapshot): (Arc<dyn Lease>, ImageSnapshot),
        cancel: &CancellationToken,
    ) -> Result<ImageCache, BuildError> {
        let now = self.parts.clock.now();
        let record = SnapshotRecord::from(&snapshot);
        let event = |reason, message: String| self.event(order.cache.id, EventKind::Normal, reason, message);
        let mut events = vec![
            event(
                EventReason::SnapshotCommitted,
                format!("image snapshot {} of {}", snapshot.id, record.size),
            ),
            event(EventReason::Ready, format!("{} image(s) can be started from", snapshot.images.len())),
        ];
        events.extend(self.copy_made(order, &snapshot));
        // Said when the first snapshot is there, and with each further one.
        let fewer = self.fewer_copies(&order.cache.policy.copies);
        events.extend(fewer.map(|fewer| event(EventReason::FewerCopies, fewer)));
        let change = self.finish_patiently(order, &record, &events, now, cancel).await;
        let change = change.map_err(BuildError::records("end the build"))?;
        step("build-recorded")?;
        self.ended.well();
        // From here on the snapshot's document keeps the blobs.
        if let Err(error) = lease.release().await {
            tracing::warn!(
                error = chain(&error),
                "failed to release a build's lease; it ends with this process"
            );
        }
        self.let_go(&change.released).await;
        Ok(change.cache)
    }

    /// The copy that a build ends with, where flash and standard snapshots are in stores of their own.
    fn copy_made(&self, order: &BuildOrder, snapshot: &ImageSnapshot) -> Option<Event> {
        self.parts.standard.as_ref()?;
        let (id, plan) = (snapshot.id, &order.cache.policy.copies);
        let (reason, message) = match plan.flash {
            true => (
                EventReason::FlashCompleted,
                format!("image snapshot {id} is here; its standard copies follow"),
            ),
            false => (
                EventReason::StandardCompleted,
                format!("image snapshot {id}: {} standard copies", plan.standard_copies.get()),
            ),
        };
        Some(self.event(order.cache.id, EventKind::Normal, reason, message))
    }

    /// Ends the build well in the records, however long others keep them locked: all the work is done.
    async fn finish_patiently(
        &self,
        order: &BuildOrder,
        record: &SnapshotRecord,
        events: &[Event],
        now: Timestamp,
        cancel: &CancellationToken,
    ) -> metastore::Result<CacheChange> {
        let copies = self.copies_of_new(&order.cache);
        let keep = generation_kept_until(now, &self.parts.settings.retention);
        let keep = (self.parts.settings.retention.generation_days > 0).then_some(keep);
        let (records, owner) = (&self.parts.records, &self.parts.owner);
        let finish = || records.finish_build(order.id, owner, record, copies, keep, events, now);
        patiently(cancel, finish).await
    }

    pub(super) async fn record_failure(&self, order: &BuildOrder, error: BuildError) -> BuildError {
        let kind = error.kind();
        let reason = match kind {
            FailureKind::Cancelled => EventReason::BuildCancelled,
            _ => EventReason::BuildFailed,
        };
        if kind == FailureKind::NoSpace {
            // Perhaps there is something that nobody names.
            self.signals.collection.notify_one();
        }
        let message = chain(&error);
        let failure = BuildFailure { reason: kind.as_str().to_owned(), message: message.clone() };
        let event = self.event(order.cache.id, EventKind::Warning, reason, message);
        let now = self.parts.clock.now();
        let recorded =
            self.parts.records.fail_build(order.id, &self.parts.owner, &failure, &[event], now).await;
        // With another process's it goes on.
        if !matches!(recorded, Err(metastore::Error::BuildLost(_))) {
            self.ended.badly(kind);
        }
        match recorded {
            Ok(_) => self.drop_document(order).await,
            // Another process has ended it. Where it took it up, the document may be its own by now.
            Err(metastore::Error::BuildEnded(_) | metastore::Error::NoBuild(_)) => {
                let retained = self.parts.records.retained_snapshots().await;
                if retained.is_ok_and(|retained| !retained.contains(&order.snapshot)) {
                    self.drop_document(order).await;
                }
            }
            // Another process goes on with it.
            Err(metastore::Error::BuildLost(_)) => {}
            Err(unrecorded) => {
                tracing::error!(error = chain(&unrecorded), "failed to record that a build failed");
            }
        }
        error
    }

    /// Deletes the image snapshot of a build that failed, where it came that far: it is nobody's now.
    async fn drop_document(&self, order: &BuildOrder) {
        self.let_go(&[order.snapshot]).await;
    }

    pub(super) async fn note_reused(&self, about: Option<CacheId>, layer: &Wanted) {
        let message = format!("layer {} of {} was in the store", layer.descriptor.digest, layer.image.source);
        self.say(about, EventKind::Normal, EventReason::LayerReused, message).await;
    }

    pub(super) async fn note_discarded(&self, about: Option<CacheId>, layer: &Wanted) {
        let message =
            format!("layer {} of {} was broken in the store", layer.descriptor.digest, layer.image.source);
        self.say(about, EventKind::Warning, EventReason::LayerDiscarded, message).await;
    }

    pub(super) async fn note_made(
        &self,
        about: Option<CacheId>,
        layer: &Wanted,
        made: &LayerMade,
        ours: bool,
        begun: Instant,
    ) {
        let name = format!("layer {} of {}", layer.descriptor.digest, layer.image.source);
        let (reason, message) = match made.fetched.filter(|_| ours) {
            Some(fetched) => {
                let took = begun.elapsed().as_secs_f64();
                let sizes = format!("{fetched} fetched, {} unpacked", made.blob_size);
                (EventReason::LayerCommitted, format!("{name}: {sizes} in {took:.1} s"))
            }
            None => (EventReason::LayerReused, format!("{name} was made by another build")),
        };
        self.say(about, EventKind::Normal, reason, message).await;
        for warning in &made.warnings {
            let message = format!("{name}: {warning}");
            self.say(about, EventKind::Warning, reason, message).await;
        }
    }
}
