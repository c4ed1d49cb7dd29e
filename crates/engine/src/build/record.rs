//! What the records say of a build: its notes on the way, and its end, whichever it is.

use std::sync::Arc;

use blobstore::Lease;
use metastore::SnapshotRecord;
use model::{BuildFailure, EventKind, EventReason, ImageCache, ImageSnapshot};
use tokio::time::Instant;

use super::Workshop;
use super::layer_job::LayerMade;
use super::run::{BuildOrder, step};
use super::wanted::Wanted;
use crate::{BuildError, FailureKind, chain};

impl Workshop {
    /// The records refused a build that was done. Where only their answer was lost, it is recorded all the same.
    pub(super) async fn failed_to_record(
        &self,
        order: &BuildOrder,
        error: BuildError,
    ) -> Result<ImageCache, BuildError> {
        match self.parts.records.cache(order.cache.id).await {
            Ok(cache) if cache.snapshot == Some(order.build.snapshot) => Ok(cache),
            _ => Err(self.record_failure(order, error).await),
        }
    }

    pub(super) async fn record_success(
        &self,
        order: &BuildOrder,
        (lease, snapshot): (Arc<dyn Lease>, ImageSnapshot),
    ) -> Result<ImageCache, BuildError> {
        let now = self.parts.clock.now();
        let record =
            SnapshotRecord { id: snapshot.id, created: snapshot.created, size: snapshot.unpacked_size() };
        let event = |reason, message: String| self.event(order.cache.id, EventKind::Normal, reason, message);
        let events = [
            event(
                EventReason::SnapshotCommitted,
                format!("image snapshot {} of {}", snapshot.id, record.size),
            ),
            event(EventReason::Ready, format!("{} image(s) can be started from", snapshot.images.len())),
        ];
        let records = &self.parts.records;
        let change = records.finish_build(order.build.id, &order.build.owner, &record, &events, now).await;
        let change = change.map_err(BuildError::records("end the build"))?;
        step("build-recorded")?;
        // From here on the snapshot's document keeps the blobs.
        if let Err(error) = lease.release().await {
            tracing::warn!(
                error = chain(&error),
                "failed to release a build's lease; it ends with this process"
            );
        }
        if let Some(released) = change.released
            && let Err(error) = self.parts.store.delete_snapshot(released).await
        {
            tracing::warn!(error = chain(&error), "failed to delete a former snapshot; collection will");
        }
        Ok(change.cache)
    }

    pub(super) async fn record_failure(&self, order: &BuildOrder, error: BuildError) -> BuildError {
        let kind = error.kind();
        let reason = match kind {
            FailureKind::Cancelled => EventReason::BuildCancelled,
            _ => EventReason::BuildFailed,
        };
        let message = chain(&error);
        let failure = BuildFailure { reason: kind.as_str().to_owned(), message: message.clone() };
        let event = self.event(order.cache.id, EventKind::Warning, reason, message);
        let now = self.parts.clock.now();
        let recorded =
            self.parts.records.fail_build(order.build.id, &order.build.owner, &failure, &[event], now).await;
        match recorded {
            // Its document, where it came that far, is nobody's now.
            Ok(_) => {
                if let Err(left) = self.parts.store.delete_snapshot(order.build.snapshot).await {
                    tracing::warn!(
                        error = chain(&left),
                        "failed to delete a failed build's snapshot; collection will"
                    );
                }
            }
            Err(unrecorded) => {
                tracing::error!(error = chain(&unrecorded), "failed to record that a build failed");
            }
        }
        error
    }

    pub(super) async fn note_reused(&self, order: &BuildOrder, layer: &Wanted) {
        let message = format!("layer {} of {} was in the store", layer.descriptor.digest, layer.image.source);
        self.note(self.event(order.cache.id, EventKind::Normal, EventReason::LayerReused, message)).await;
    }

    pub(super) async fn note_made(
        &self,
        order: &BuildOrder,
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
        self.note(self.event(order.cache.id, EventKind::Normal, reason, message)).await;
        for warning in &made.warnings {
            let message = format!("{name}: {warning}");
            self.note(self.event(order.cache.id, EventKind::Warning, reason, message)).await;
        }
    }
}
