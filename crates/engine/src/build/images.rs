//! Parts of a build for others than caches: the images of an instance, and a cache of images that are here already.

use std::sync::Arc;

use blobstore::{Lease, LeaseTerm};
use layer::SharedBudget;
use model::{AccountId, BlobKey, ImageCache, ImageSnapshot, SnapshotImage};
use registry::{Registry, ResolvedImage};

use super::making::Making;
use super::{BuildOrder, BuildProgress, Workshop, lease_owner};
use crate::{BuildError, chain};

impl Workshop {
    /// Brings images into the store for an instance of that account, as a build does for a cache.
    pub(crate) async fn make_images(
        self: &Arc<Self>,
        account: &AccountId,
        registry: &Registry,
        images: &[Arc<ResolvedImage>],
        lease: &Arc<dyn Lease>,
        budget: &Arc<SharedBudget>,
        progress: &BuildProgress,
    ) -> Result<Vec<SnapshotImage>, BuildError> {
        for image in images {
            progress.image_resolved(image.source.clone());
        }
        let work = async {
            let making = Making { about: None, account, reuses: true, registry, lease, budget, progress };
            let layers = self.make_layers(making, images).await?;
            self.assemble(making, images, &layers).await
        };
        tokio::select! {
            biased;
            () = self.closing.cancelled() => Err(BuildError::Cancelled),
            made = work => made,
        }
    }

    /// Ends a recorded build with images whose blobs are all in the store: nothing is fetched.
    pub(crate) async fn adopt(
        &self,
        order: &BuildOrder,
        images: Vec<SnapshotImage>,
    ) -> Result<ImageCache, BuildError> {
        match self.commit_here(order, images).await {
            Ok(lease_and_snapshot) => {
                match self.record_success(order, lease_and_snapshot, &self.closing).await {
                    Ok(cache) => Ok(cache),
                    Err(error) => self.failed_to_record(order, error).await,
                }
            }
            Err(error) => Err(self.record_failure(order, error).await),
        }
    }

    async fn commit_here(
        &self,
        order: &BuildOrder,
        images: Vec<SnapshotImage>,
    ) -> Result<(Arc<dyn Lease>, ImageSnapshot), BuildError> {
        let snapshot = ImageSnapshot {
            version: ImageSnapshot::VERSION,
            id: order.snapshot,
            created: self.parts.clock.now(),
            made_in_milliseconds: 0,
            images,
        };
        let keys: Vec<BlobKey> = snapshot.blob_keys();
        let lease = self.parts.store.lease(&lease_owner(order.id), &keys, LeaseTerm::Held).await;
        let lease: Arc<dyn Lease> = Arc::from(lease.map_err(BuildError::store("take the build's lease"))?);
        match self.commit(order, snapshot, None, &self.closing).await {
            Ok(snapshot) => Ok((lease, snapshot)),
            Err(error) => {
                if let Err(left) = lease.release().await {
                    tracing::warn!(error = chain(&left), "failed to release a failed build's lease");
                }
                Err(error)
            }
        }
    }
}
