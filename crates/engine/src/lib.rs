//! What imc does: builds of image caches, the use-cases of their life so far, and collection.
//!
//! [`Engine`] joins a blob store, a metastore and a registry client. A build resolves images, fetches and converts the layers
//! that the store lacks (overlapping, each once for any number of builds), merges what leans on lower layers, commits an image
//! snapshot and makes it the cache's. Every step leaves an event, can be cancelled, and can be killed and run again.

mod build;
mod caches;
mod choose;
mod collect;
mod copies;
mod documents;
mod error;
mod fingerprint;
mod reconcile;
mod recover;
mod settings;
mod signals;
mod standard;
mod time;
mod vault;

pub use build::{BuildHandle, BuildProgress, LayerFailure, LayerPhase, LayerProgress};
pub use caches::{
    AccountUsage, CacheDetails, CachePage, CacheSizes, CacheUpdate, CacheView, DeleteMode, DeletedCache,
    Deletion, NewCacheRequest,
};
pub use choose::{Chosen, Target};
pub use collect::Collected;
pub use error::{BuildError, Error, FailureKind, chain, registry_failure_kind};
#[cfg(feature = "test-suite")]
pub use reconcile::Reconcilers;
pub use reconcile::{ChangeWatcher, Daemon, Drained, MovedTag, ReconcilerStatus, Watched};
pub use settings::{Intervals, Parts, Settings};
pub use standard::{DirectoryCopies, StandardStore};
#[cfg(feature = "test-suite")]
pub use time::TestTime;
pub use time::{SystemTimer, Timer};
pub use vault::{Vault, VaultError};

use std::sync::Arc;

use blobstore::BlobStore;
use metastore::Metastore;
use model::{Clock, ImageSnapshotId};

use build::Workshop;

/// The use-cases of image caches. Cheap to clone; clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    workshop: Arc<Workshop>,
}

impl Engine {
    /// Joins the parts. No I/O.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { workshop: Arc::new(Workshop::new(parts)) }
    }

    fn store(&self) -> &dyn BlobStore {
        &*self.workshop.parts.store
    }

    fn records(&self) -> &dyn Metastore {
        &*self.workshop.parts.records
    }

    fn clock(&self) -> &dyn Clock {
        &*self.workshop.parts.clock
    }

    /// The store that a start of this snapshot attaches from: the local one where it has it, else one of its standard copies,
    /// by rendezvous hash over `spread` (the instance's id). `None` where none has it.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn serving_store(
        &self,
        snapshot: ImageSnapshotId,
        spread: &str,
    ) -> Result<Option<Arc<dyn BlobStore>>, Error> {
        let found = self.workshop.serving_store(snapshot, spread).await;
        found.map_err(Error::store("look for an image snapshot"))
    }

    /// Cancels what still runs and waits until it has cleaned up after itself.
    pub async fn shut_down(&self) {
        self.workshop.shut_down().await;
    }
}
