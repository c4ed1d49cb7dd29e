//! What the layers of a build are made with, and for whom.

use std::sync::Arc;

use blobstore::Lease;
use layer::SharedBudget;
use model::{AccountId, CacheId};
use registry::Registry;

use super::BuildProgress;

/// What the layers of a build are made with, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Making<'a> {
    /// The cache that it is told of; `None` where an instance is about to start.
    pub(super) about: Option<CacheId>,
    /// Whose it will be: no layer is taken from the store that this account might not fetch.
    pub(super) account: &'a AccountId,
    /// Whether layers are taken from the store that are there; else every one is fetched and converted anew.
    pub(super) reuses: bool,
    /// Speaks for the cache or the instance.
    pub(super) registry: &'a Registry,
    /// Keeps the blobs from collection.
    pub(super) lease: &'a Arc<dyn Lease>,
    /// What all layers together may take.
    pub(super) budget: &'a Arc<SharedBudget>,
    /// Where it is told how far it is.
    pub(super) progress: &'a BuildProgress,
}
