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
    // The blobs are opened only where a layer says that it may lean on another.
    if layers.iter().all(|layer| layer.leans.is_empty() && layer.leans.whiteout_directories.is_empty()) {
        return Ok(None);
    }
    let diff_ids: Vec<DiffId> = layers.iter().map(|layer| layer.diff_id).collect();
    let Some(chain) = ChainId::of(&diff_ids) else { return Ok(None) };
    let key = BlobKey::Merged(chain);
    let store = &workshop.parts.store;
    lease.extend(&[key]).await.map_err(BuildError::store("keep the merged metadata image"))?;
    if store.stat(&key).await.map_err(BuildError::store("look for the merged metadata image"))?.is_some() {
        return Ok(Some(chain));
    }
    let failed =
        |source: Arc<dyn std::error::Error + Send + Sync>| BuildError::Merge { image: image.clone(), source };
    let blobs = Arc::new(open_blobs(workshop, layers).await?);
    let looked_at = Arc::clone(&blobs);
    let needed =
        tokio::task::spawn_blocking(move || layer::needs_merge_exactly(&as_layers(&looked_at))).await;
    if !needed.map_err(|error| failed(Arc::new(error)))?.map_err(|error| failed(Arc::new(error)))? {
        return Ok(None);
    }
    let writer =
        store.begin(&**lease, &key).await.map_err(BuildError::store("begin the merged metadata image"))?;
    let target = writer.file().try_clone().map_err(|error| failed(Arc::new(error)))?;
    let merged = tokio::task::spawn_blocking(move || layer::merge(&as_layers(&blobs), &target));
    let merged =
        merged.await.map_err(|error| failed(Arc::new(error)))?.map_err(|error| failed(Arc::new(error)))?;
    let sidecar =
        Sidecar { tar_size: ByteSize::ZERO, entries: merged.entries, ..Sidecar::of_size(merged.size) };
    writer.commit(sidecar).await.map_err(BuildError::store("commit the merged metadata image"))?;
    Ok(Some(chain))
}

/// The layers' blobs, open, with what each takes for granted.
async fn open_blobs(workshop: &Workshop, layers: &[&LayerMade]) -> Result<Vec<(File, Leans)>, BuildError> {
    let mut blobs = Vec::with_capacity(layers.len());
    for layer in layers {
        let open = workshop.parts.store.open(&BlobKey::Layer(layer.diff_id)).await;
        let open = open.map_err(BuildError::store("open a layer to merge"))?;
        blobs.push((open.file, layer.leans.clone()));
    }
    Ok(blobs)
}

fn as_layers(blobs: &[(File, Leans)]) -> Vec<MergeLayer<'_, File>> {
    blobs.iter().map(|(blob, leans)| MergeLayer { blob, leans }).collect()
}
