//! Image snapshots and layers.

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::{BlobDigest, DiffId, ImageSnapshotId, StoreId};

use super::super::{Connection, Store, Verb, Writing, layers, snapshots};
use crate::{LayerRecord, Page, Result, SnapshotRecord, SnapshotVerbs};

#[async_trait]
impl SnapshotVerbs for Store {
    async fn bind_store(&self, store: StoreId) -> Result<StoreId> {
        let bound = async |connection: &mut Connection| snapshots::store(connection).await;
        if let Some(bound) = self.read("find the records' store", bound).await? {
            return Ok(bound);
        }
        let verb = Verb::quick("bind the records to their store", &[], None);
        self.write(verb, async |writing: &mut Writing| snapshots::bind_store(writing, store).await).await
    }

    async fn retained_snapshots(&self) -> Result<Vec<ImageSnapshotId>> {
        self.read("find the retained snapshots", async |connection: &mut Connection| {
            snapshots::retained(connection).await
        })
        .await
    }

    async fn held_snapshots(&self) -> Result<BTreeSet<ImageSnapshotId>> {
        self.read("find the held snapshots", async |connection: &mut Connection| {
            snapshots::held(connection).await
        })
        .await
    }

    async fn snapshot(&self, id: ImageSnapshotId) -> Result<Option<SnapshotRecord>> {
        self.read("read the image snapshot", async |connection: &mut Connection| {
            snapshots::get(connection, id).await
        })
        .await
    }

    async fn find_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>> {
        self.read("find image snapshots", async |connection: &mut Connection| {
            snapshots::find(connection, page).await
        })
        .await
    }

    async fn find_unserved_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>> {
        self.read("find image snapshots", async |connection: &mut Connection| {
            snapshots::find_unserved(connection, page).await
        })
        .await
    }

    async fn record_layer(&self, layer: &LayerRecord) -> Result<()> {
        let verb = Verb::quick("record the layer", &[], None);
        self.write(verb, async |writing: &mut Writing| layers::record(writing, layer).await).await
    }

    async fn layer_by_blob(&self, blob: &BlobDigest) -> Result<Option<LayerRecord>> {
        self.read("find the layer", async |connection: &mut Connection| {
            layers::by_blob(connection, blob).await
        })
        .await
    }

    async fn layers_by_diff_id(&self, diff_id: &DiffId) -> Result<Vec<LayerRecord>> {
        self.read("find the layer", async |connection: &mut Connection| {
            layers::by_diff_id(connection, diff_id).await
        })
        .await
    }
}
