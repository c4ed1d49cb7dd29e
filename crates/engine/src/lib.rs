//! What imc does: the life of image caches, from the request to the last byte that is collected.
//!
//! [`Engine`] joins a blob store, records and a registry client. Use-cases take the account of the caller; what belongs to
//! another is as if it were not there.
//!
//! # From a request to a start
//!
//! 1. [`Engine::request_cache`] records a cache with a build that waits, and returns at once; [`Engine::update_cache`] records a
//!    further build beside what is served. [`Engine::create_cache`] does without a server: the build is this process' own.
//! 2. The reconciler of builds takes what waits, in fair turns between accounts, and goes on with what a dead process left. A
//!    build speaks to the registry as its cache says and with its credentials ([`Vault`]), resolves images, fetches and converts
//!    the layers that its account may not take from the store (each once for any number of the account's builds), merges what
//!    leans on lower layers, and commits an image snapshot. It tells how far it is, and learns that it is to end.
//! 3. The snapshot becomes the cache's; the one before becomes a generation ([`Engine::roll_back`]). Standard copies
//!    ([`StandardStore`]) follow, or came before, as the cache's plan says.
//! 4. Reconcilers end what is over, look at tags, copy, collect and forget. They have one shape and take no input; a
//!    [`Daemon`] runs them all, by a clock and a [`Timer`] that tests move.
//!
//! Every step leaves an event, can be cancelled, and can be killed and run again.

mod build;
mod caches;
mod collect;
mod copies;
mod documents;
mod error;
mod fingerprint;
mod groups;
mod host;
mod indexes;
mod instances;
mod layer_uses;
mod layers;
mod match_index;
mod matching;
mod memory;
mod once;
mod own_layers;
mod pages;
mod predict;
mod reconcile;
mod recover;
mod settings;
mod signals;
mod standard;
mod start;
mod time;
mod vault;

pub use build::{BuildHandle, BuildProgress, BuildsEnded, LayerFailure, LayerPhase, LayerProgress};
pub use caches::{
    AccountUsage, Bounded, CacheBounds, CacheDetails, CachePage, CacheUpdate, CacheView, DeleteMode,
    Deletion, NewCacheRequest,
};
pub use collect::Collected;
pub use error::{BuildError, Error, FailureKind, chain, registry_failure_kind};
pub use groups::{GroupDetails, Groups, NewGroup};
pub use host::{
    ExecEnd, ExecOrder, GroupFile, GroupMembership, GroupOrder, GroupPrepared, HostError, HostErrorKind,
    HostOption, HostOrder, HostStarted, HostStates, HostStatus, InstanceHost, InstanceNetwork,
    InstanceOptions, InstanceVolume, LineStream, OrderedVolume, Printed, PrintedLine,
};
pub use instances::{CreatedInstance, Instances, NewInstance, RunningInstance};
pub use layer_uses::SharedSizes;
pub use match_index::MatchIndex;
pub use matching::{MatchAnswer, MatchQuestion};
pub use once::{ONCE_BEAT, OnceRequest, OnceTurn};
pub use predict::PredictRequest;
#[cfg(feature = "test-suite")]
pub use reconcile::Reconcilers;
pub use reconcile::{ChangeWatcher, Daemon, Drained, MovedTag, ReconcilerStatus, Watched};
pub use settings::{Intervals, Parts, Settings};
pub use standard::{DirectoryCopies, StandardStore};
pub use start::{CacheChoice, StalenessWish, StartChoice, StartOutcome, StartWish};
#[cfg(feature = "test-suite")]
pub use time::TestTime;
pub use time::{SystemTimer, Timer};
#[cfg(feature = "test-suite")]
pub use vault::PlainVault;
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

    /// What seals secrets at rest and opens them; `None` where no key is set.
    #[must_use]
    pub fn vault(&self) -> Option<&dyn Vault> {
        self.workshop.parts.vault.as_deref()
    }

    /// What of the copies that were asked for is not kept here, in a sentence; `None` where all of them are.
    #[must_use]
    pub fn fewer_copies(&self, plan: &model::CopyPlan) -> Option<String> {
        self.workshop.fewer_copies(plan)
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
        let failed = || Error::store("look for an image snapshot");
        for store in self.workshop.stores_from(spread).await.map_err(failed())? {
            if store.get_snapshot(snapshot).await.map_err(failed())?.is_some() {
                return Ok(Some(store));
            }
        }
        Ok(None)
    }

    /// Cancels what still runs and waits until it has cleaned up after itself.
    pub async fn shut_down(&self) {
        self.workshop.shut_down().await;
    }
}
