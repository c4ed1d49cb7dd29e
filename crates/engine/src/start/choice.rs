//! The answer to a wish: what starts, and what keeps it from collection until it has started.

use std::collections::BTreeMap;
use std::sync::Arc;

use blobstore::{BlobStore, Lease};
use model::{
    ByteSize, ImageCache, ImageSnapshot, ImageSnapshotId, Platform, RegistryAccess, RegistryHost, Savings,
    SnapshotImage,
};
use registry::Credentials;

use crate::chain;

/// How a wish was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StartOutcome {
    /// A cache had everything.
    Hit,
    /// A cache had a part.
    PartlyHit,
    /// No cache had anything that the wish's policy and condition let be used.
    Miss,
}

/// What an instance starts from. Dropping it lets the blobs go where the instance is not recorded.
pub struct StartChoice {
    /// How the wish was met.
    pub outcome: StartOutcome,
    /// The cache that is used.
    pub cache: Option<ImageCache>,
    /// The images, in the order of the wish, with their layers.
    pub images: Vec<SnapshotImage>,
    /// The platform of the wish.
    pub platform: Platform,
    /// The snapshot that the instance is to hold.
    pub snapshot: ImageSnapshotId,
    /// That snapshot, where it was made for this instance.
    pub own: Option<ImageSnapshot>,
    /// How much the instance may write.
    pub size_limit: ByteSize,
    /// What the cache spared.
    pub saved: Savings,
    /// Bytes as served that were fetched for it.
    pub fetched: ByteSize,
    /// Where its blobs are.
    pub store: Arc<dyn BlobStore>,
    pub(super) lease: Arc<dyn Lease>,
    /// Whether a registry was asked.
    pub(super) was_asked: bool,
    /// Whether the cache's tags are to be looked at behind the start, though its own rule does not say so.
    pub(crate) looks_again: bool,
    /// How the registries were spoken to for it: a cache that is made of it speaks to them in the same way.
    pub(super) access: RegistryAccess,
    /// The credentials for them.
    pub(super) credentials: BTreeMap<RegistryHost, Credentials>,
    /// Whether an automatic cache is to be made for it.
    pub(super) is_automatic: bool,
}

impl std::fmt::Debug for StartChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StartChoice")
            .field("outcome", &self.outcome)
            .field("cache", &self.cache.as_ref().map(|cache| cache.id))
            .field("images", &self.images.iter().map(|image| &image.source).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl StartChoice {
    /// Lets the blobs go: the instance's record keeps them from now on, or nothing is to start.
    pub async fn release(&self) {
        if let Err(error) = self.lease.release().await {
            tracing::warn!(
                error = chain(&error),
                "failed to release a start's lease; it ends with this process"
            );
        }
    }
}
