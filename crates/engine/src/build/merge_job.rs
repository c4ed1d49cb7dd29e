//! The merged metadata image of an image whose layers lean on each other.

use std::fs::File;
use std::sync::Arc;

use blobstore::{Lease, Sidecar};
use layer::{Leans, MergeLayer};
use model::{BlobKey, ByteSize, ChainId, DiffId, ImageSource};

use super::Workshop;
use super::layer_job::LayerMade;
use crate::BuildError;

/// Makes the merged metadata image where the layers need one; `None` where they do not.
pub(super) async fn merge_where_needed(
    workshop: &Workshop,
    image: &ImageSource,
    layers: &[&LayerMade],
    lease: &Arc<dyn Lease>,
) -> Result<Option<ChainId>, BuildError> {
    let leans: Vec<&Leans> = layers.iter().map(|layer| &layer.leans).collect();
    let diff_ids: Vec<DiffId> = layers.iter().map(|layer| layer.diff_id).collect();
    let (true, Some(chain)) = (layer::needs_merge(&leans), ChainId::of(&diff_ids)) else { return Ok(None) };
    let key = BlobKey::Merged(chain);
    let store = &workshop.parts.store;
    lease.extend(&[key]).await.map_err(BuildError::store("keep the merged metadata image"))?;
    if store.stat(&key).await.map_err(BuildError::store("look for the merged metadata image"))?.is_some() {
        return Ok(Some(chain));
    }
    let mut blobs: Vec<(File, Leans)> = Vec::with_capacity(layers.len());
    for layer in layers {
        let open = store.open(&BlobKey::Layer(layer.diff_id)).await;
        let open = open.map_err(BuildError::store("open a layer to merge"))?;
        blobs.push((open.file, layer.leans.clone()));
    }
    let writer =
        store.begin(&**lease, &key).await.map_err(BuildError::store("begin the merged metadata image"))?;
    let failed =
        |source: Arc<dyn std::error::Error + Send + Sync>| BuildError::Merge { image: image.clone(), source };
    let target = writer.file().try_clone().map_err(|error| failed(Arc::new(error)))?;
    let merged = tokio::task::spawn_blocking(move || {
        let layers: Vec<MergeLayer<'_, File>> =
            blobs.iter().map(|(blob, leans)| MergeLayer { blob, leans }).collect();
        layer::merge(&layers, &target)
    });
    let merged =
        merged.await.map_err(|error| failed(Arc::new(error)))?.map_err(|error| failed(Arc::new(error)))?;
    let sidecar =
        Sidecar { tar_size: ByteSize::ZERO, entries: merged.entries, ..Sidecar::of_size(merged.size) };
    writer.commit(sidecar).await.map_err(BuildError::store("commit the merged metadata image"))?;
    Ok(Some(chain))
}
