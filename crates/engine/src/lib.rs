//! What imc does: builds of image caches, the use-cases of their life so far, and collection.
//!
//! [`Engine`] joins a blob store, a metastore and a registry client. A build resolves images, fetches and converts the layers
//! that the store lacks (overlapping, each once for any number of builds), merges what leans on lower layers, commits an image
//! snapshot and makes it the cache's. Every step leaves an event, can be cancelled, and can be killed and run again.

mod build;
mod caches;
mod choose;
mod collect;
mod error;
mod match_index;
mod recover;

pub use build::{BuildHandle, BuildProgress, LayerFailure, LayerPhase, LayerProgress};
pub use caches::{CacheView, DeletedCache, NewCache};
pub use choose::{Chosen, Target};
pub use collect::Collected;
pub use error::{BuildError, Error, FailureKind, chain, registry_failure_kind};
pub use match_index::MatchIndex;

use std::sync::Arc;
use std::time::Duration;

use blobstore::BlobStore;
use metastore::{Metastore, ProcessIdentity};
use model::{ByteSize, Clock};
use registry::Registry;

use build::Workshop;

/// What an engine is made of.
pub struct Parts {
    /// Where blobs and image snapshots are.
    pub store: Arc<dyn BlobStore>,
    /// Where records are.
    pub records: Arc<dyn Metastore>,
    /// Where images come from.
    pub registry: Registry,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who we are to other processes.
    pub owner: ProcessIdentity,
    /// Bounds of its work.
    pub settings: Settings,
}

/// Bounds of an engine's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Layers that are converted at once, over all builds. Each takes about two processors and up to 40 MiB.
    pub conversions: usize,
    /// Images whose documents are asked for at once in one build.
    pub resolves: usize,
    /// How long the owner of a claim may give no sign of life before a build that waits for it does the work as well.
    pub claim_patience: Duration,
    /// Memory for the zstd windows over 8 MiB of all conversions together.
    pub zstd_windows: ByteSize,
}

impl Default for Settings {
    fn default() -> Self {
        // One conversion keeps about two processors busy; a second one fills the gaps that the first one's ends leave.
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            conversions: (processors / 2 + 1).clamp(2, 8),
            resolves: 4,
            claim_patience: Duration::from_secs(120),
            zstd_windows: ByteSize::mib(128),
        }
    }
}

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

    /// Cancels what still runs and waits until it has cleaned up after itself.
    pub async fn shut_down(&self) {
        self.workshop.shut_down().await;
    }
}
