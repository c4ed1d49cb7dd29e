//! Image snapshots and layers.

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::{BlobDigest, DiffId, ImageSnapshotId, StoreId};

use crate::{LayerRecord, Page, Result, SnapshotRecord};

/// Image snapshots and layers. What holds of every verb stands at [`Metastore`](crate::Metastore).
#[async_trait]
pub trait SnapshotVerbs: Send + Sync {
    /// Says which store holds the snapshots' documents and the blobs; the first time it is said, it is kept. The one that is
    /// kept: where that is another, these records are not about the caller's store, and nothing may be concluded from what is
    /// missing there.
    ///
    /// # Errors
    /// Only the common ones.
    async fn bind_store(&self, store: StoreId) -> Result<StoreId>;

    /// Every snapshot that a cache, a generation or an instance names or that a waiting or running build will commit, in
    /// order. Documents in the store that were listed *before* this call and are not in the answer belong to nobody and may be
    /// deleted.
    ///
    /// # Errors
    /// Only the common ones.
    async fn retained_snapshots(&self) -> Result<Vec<ImageSnapshotId>>;

    /// The snapshots that instances hold.
    ///
    /// # Errors
    /// Only the common ones.
    async fn held_snapshots(&self) -> Result<BTreeSet<ImageSnapshotId>>;

    /// What is indexed of a snapshot; `None` where nothing is.
    ///
    /// # Errors
    /// Only the common ones.
    async fn snapshot(&self, id: ImageSnapshotId) -> Result<Option<SnapshotRecord>>;

    /// One page of the indexed snapshots.
    ///
    /// # Errors
    /// Only the common ones.
    async fn find_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>>;

    /// One page of the indexed snapshots that no cache serves: earlier ones, and those of instances alone.
    ///
    /// # Errors
    /// Only the common ones.
    async fn find_unserved_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>>;

    /// Records what a served layer is. Recording the same again is no error.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) where the served digest is recorded with another diff id: one of them lies.
    async fn record_layer(&self, layer: &LayerRecord) -> Result<()>;

    /// The layer that a registry serves under this digest, where it was fetched before.
    ///
    /// # Errors
    /// Only the common ones.
    async fn layer_by_blob(&self, blob: &BlobDigest) -> Result<Option<LayerRecord>>;

    /// Every recorded way in which a layer is served (at most 100).
    ///
    /// # Errors
    /// Only the common ones.
    async fn layers_by_diff_id(&self, diff_id: &DiffId) -> Result<Vec<LayerRecord>>;
}
