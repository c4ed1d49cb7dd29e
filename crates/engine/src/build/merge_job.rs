//! The merged metadata image of an image whose layers lean on each other.

use std::fs::File;
use std::sync::Arc;

use blobstore::{Lease, Sidecar};
use layer::{Control, Leans, MergeError, MergeLayer, SharedBudget};
use model::{BlobKey, ByteSize, ChainId, DiffId, ImageSource};

use super::Workshop;
use super::layer_job::{LayerMade, stat_whole};
use crate::BuildError;

/// Makes the merged metadata image where the layers need one; `None` where they do not. Its bytes count against the size.
pub(super) async fn merge_where_needed(
    workshop: &Workshop,
    image: &ImageSource,
    layers: &[&LayerMade],
    lease: &Arc<dyn Lease>,
    budget: &Arc<SharedBudget>,
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
    let (found, _) =
        stat_whole(&**store, &key).await.map_err(BuildError::store("look for the merged metadata image"))?;
    if let Some(found) = found {
        let limit = budget.bound();
        let too_large = || BuildError::MergedSizeExceeded { image: image.clone(), limit };
        return budget.take(found.size.as_u64()).then_some(Some(chain)).ok_or_else(too_large);
    }
    let blobs = Arc::new(open_blobs(workshop, layers).await?);
    let looked_at = Arc::clone(&blobs);
    let needed = blocking(image, move || layer::needs_merge_exactly(&as_layers(&looked_at))).await?;
    if !needed {
        return Ok(None);
    }
    let writer =
        store.begin(&**lease, &key).await.map_err(BuildError::store("begin the merged metadata image"))?;
    let target = writer.file().try_clone().map_err(|error| failed(image, error))?;
    let control = Arc::new(Control::with_budget(Arc::clone(budget)));
    // A build that is cancelled drops this in the middle; the thread that works shall not go on for nobody.
    let _cancel = CancelOnDrop(Arc::clone(&control));
    let merged = blocking(image, move || layer::merge(&as_layers(&blobs), &target, &control)).await?;
    let sidecar =
        Sidecar { tar_size: ByteSize::ZERO, entries: merged.entries, ..Sidecar::of_size(merged.size) };
    writer.commit(sidecar).await.map_err(BuildError::store("commit the merged metadata image"))?;
    Ok(Some(chain))
}

struct CancelOnDrop(Arc<Control>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn failed(image: &ImageSource, source: impl std::error::Error + Send + Sync + 'static) -> BuildError {
    BuildError::Merge { image: image.clone(), source: Arc::new(source) }
}

/// Does a part of the merge on a thread that may block.
async fn blocking<T: Send + 'static>(
    image: &ImageSource,
    work: impl FnOnce() -> Result<T, MergeError> + Send + 'static,
) -> Result<T, BuildError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| failed(image, error))?;
    done.map_err(|error| match error {
        MergeError::TooLarge { bound } => {
            BuildError::MergedSizeExceeded { image: image.clone(), limit: ByteSize::bytes(bound) }
        }
        error => failed(image, error),
    })
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
