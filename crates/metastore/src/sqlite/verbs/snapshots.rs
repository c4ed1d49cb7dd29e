//! Image snapshots and layers.

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::{BlobDigest, DiffId, ImageSnapshotId};

use super::super::{SqliteMetastore, layers, snapshots};
use crate::{LayerRecord, Page, Result, SnapshotRecord, SnapshotVerbs};

#[async_trait]
impl SnapshotVerbs for SqliteMetastore {
    async fn retained_snapshots(&self) -> Result<Vec<ImageSnapshotId>> {
        snapshots::retained(&mut *self.reading("find the retained snapshots").await?).await
    }

    async fn held_snapshots(&self) -> Result<BTreeSet<ImageSnapshotId>> {
        snapshots::held(&mut *self.reading("find the held snapshots").await?).await
    }

    async fn snapshot(&self, id: ImageSnapshotId) -> Result<Option<SnapshotRecord>> {
        snapshots::get(&mut *self.reading("read the image snapshot").await?, id).await
    }

    async fn find_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>> {
        snapshots::find(&mut *self.reading("find image snapshots").await?, page).await
    }

    async fn find_unserved_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>> {
        snapshots::find_unserved(&mut *self.reading("find image snapshots").await?, page).await
    }

    async fn record_layer(&self, layer: &LayerRecord) -> Result<()> {
        let mut writing = self.writing_quickly("record the layer").await?;
        layers::record(&mut writing.transaction, layer).await?;
        writing.commit().await
    }

    async fn layer_by_blob(&self, blob: &BlobDigest) -> Result<Option<LayerRecord>> {
        layers::by_blob(&mut *self.reading("find the layer").await?, blob).await
    }

    async fn layers_by_diff_id(&self, diff_id: &DiffId) -> Result<Vec<LayerRecord>> {
        layers::by_diff_id(&mut *self.reading("find the layer").await?, diff_id).await
    }
}
