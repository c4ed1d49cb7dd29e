//! Image snapshots and layers.

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::{BlobDigest, DiffId, ImageSnapshotId, StoreId};

use super::super::MemoryMetastore;
use super::super::find::page_of;
use crate::{LayerRecord, OTHERS_LIMIT, Page, Result, SnapshotRecord, SnapshotVerbs, rules};

#[async_trait]
impl SnapshotVerbs for MemoryMetastore {
    async fn bind_store(&self, store: StoreId) -> Result<StoreId> {
        self.write(&[], None, |records| Ok(*records.store.get_or_insert(store)))
    }

    async fn retained_snapshots(&self) -> Result<Vec<ImageSnapshotId>> {
        Ok(self.records().retained())
    }

    async fn held_snapshots(&self) -> Result<BTreeSet<ImageSnapshotId>> {
        let records = self.records();
        let of_groups = records.groups.values().filter_map(|group| rules::snapshot_of(&group.status));
        Ok(records.instances.values().map(|instance| instance.snapshot).chain(of_groups).collect())
    }

    async fn snapshot(&self, id: ImageSnapshotId) -> Result<Option<SnapshotRecord>> {
        Ok(self.records().snapshots.get(&id).cloned())
    }

    async fn find_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>> {
        Ok(page_of(&self.records().snapshots, page, |_| true))
    }

    async fn find_unserved_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>> {
        let records = self.records();
        let served: BTreeSet<_> = records.caches.values().filter_map(|cache| cache.snapshot).collect();
        Ok(page_of(&records.snapshots, page, |snapshot| !served.contains(&snapshot.id)))
    }

    async fn record_layer(&self, layer: &LayerRecord) -> Result<()> {
        self.write(&[], None, |records| {
            if let Some(known) = records.layers.get(&layer.blob) {
                rules::check_layer(known, layer)?;
            }
            records.layers.insert(layer.blob, *layer);
            Ok(())
        })
    }

    async fn layer_by_blob(&self, blob: &BlobDigest) -> Result<Option<LayerRecord>> {
        Ok(self.records().layers.get(blob).copied())
    }

    async fn layers_by_diff_id(&self, diff_id: &DiffId) -> Result<Vec<LayerRecord>> {
        let records = self.records();
        let layers = records.layers.values().filter(|layer| layer.diff_id == *diff_id);
        Ok(layers.take(OTHERS_LIMIT as usize).copied().collect())
    }
}
