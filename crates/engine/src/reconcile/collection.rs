//! Blobs that nobody names, and caches whose snapshots are gone.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use blobstore::InUse;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{FirstError, Reconciler};
use crate::{Engine, Error};

pub(super) struct Collection {
    engine: Engine,
    in_use: Arc<dyn InUse>,
}

impl Collection {
    pub(super) fn new(engine: Engine, in_use: Arc<dyn InUse>) -> Self {
        Self { engine, in_use }
    }
}

#[async_trait]
impl Reconciler for Collection {
    fn name(&self) -> &'static str {
        "collection"
    }

    fn interval(&self) -> Duration {
        self.engine.workshop.parts.settings.intervals.collection
    }

    /// A server that was just started has better things to do.
    fn begins_at_once(&self) -> bool {
        false
    }

    fn looks_at_all(&self) -> bool {
        true
    }

    fn signal(&self) -> &Notify {
        &self.engine.workshop.signals.collection
    }

    async fn pass(&mut self, _stop: &CancellationToken) -> Result<(), Error> {
        let mut failed = FirstError::default();
        failed.note(self.engine.note_lost_snapshots().await);
        match self.engine.sweep(Arc::clone(&self.in_use)).await {
            Ok(collected) => tracing::info!(
                blobs = collected.store.deleted.len(),
                freed = collected.store.freed.as_u64(),
                snapshots = collected.snapshots.len(),
                "collected {} blob(s), {} freed",
                collected.store.deleted.len(),
                collected.store.freed
            ),
            Err(error) => failed.note(Err(error)),
        }
        failed.into_result()
    }
}
