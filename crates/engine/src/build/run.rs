//! One build from its first request to its record.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use blobstore::{Lease, LeaseTerm};
use futures::stream::{FuturesUnordered, StreamExt, TryStreamExt};
use layer::{Control, SharedBudget};
use model::{
    BlobKey, BuildId, DiffId, Document, EventKind, EventReason, ImageCache, ImageSnapshot, ImageSource,
    SnapshotImage, SnapshotLayer,
};
use registry::{Registry, ResolvedImage};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::layer_job::{self, LayerMade, LayerOrder};
use super::making::Making;
use super::wanted::{Wanted, take, wanted_layers};
use super::{BuildOrder, BuildProgress, LayerPhase, Workshop, merge_job};
use crate::copies::CopyProgress;
use crate::own_layers::OwnLayers;
use crate::{BuildError, chain};

/// How often a layer that another build makes is held against this build's size.
const WATCH: Duration = Duration::from_millis(50);

/// The owner of a build's lease: while that holds, the build runs, whatever can be seen of its process.
pub(crate) fn lease_owner(build: BuildId) -> String {
    format!("build {build}")
}

impl Workshop {
    /// Runs the build and records its end, whichever it is.
    pub(super) async fn run_to_end(
        self: Arc<Self>,
        order: BuildOrder,
        progress: BuildProgress,
        cancel: CancellationToken,
    ) -> Result<ImageCache, BuildError> {
        let work = async {
            match self.make_snapshot(&order, &progress, &cancel).await {
                Ok(lease_and_snapshot) => {
                    match self.record_success(&order, lease_and_snapshot, &cancel).await {
                        Ok(cache) => Ok(cache),
                        Err(error) => self.failed_to_record(&order, error).await,
                    }
                }
                Err(error) => Err(self.record_failure(&order, error).await),
            }
        };
        self.with_signs_of_life(&order, &progress, &cancel, work).await
    }

    async fn make_snapshot(
        self: &Arc<Self>,
        order: &BuildOrder,
        progress: &BuildProgress,
        cancel: &CancellationToken,
    ) -> Result<(Arc<dyn Lease>, ImageSnapshot), BuildError> {
        let begun = Instant::now();
        // Without a flash snapshot it is usable only once the standard one is complete.
        let is_slow = self.parts.standard.is_some() && !order.cache.policy.copies.flash;
        let copies = is_slow.then(CopyProgress::default);
        copies.iter().for_each(|copies| progress.copies_belong(copies));
        let lease = self.parts.store.lease(&lease_owner(order.id), &[], LeaseTerm::Held).await;
        let lease: Arc<dyn Lease> = Arc::from(lease.map_err(BuildError::store("take the build's lease"))?);
        let work = async {
            step("lease-taken")?;
            let registry = self.registry_of(&order.cache, cancel).await?;
            let images = self.resolve(order, &registry, progress).await?;
            step("images-resolved")?;
            let budget = Arc::new(SharedBudget::new(order.plan.size_limit));
            let making = Making {
                about: Some(order.cache.id),
                account: &order.cache.account,
                reuses: order.cache.policy.reuse_layers,
                registry: &registry,
                lease: &lease,
                budget: &budget,
                progress,
            };
            let layers = self.make_layers(making, &images).await?;
            step("layers-made")?;
            let images = self.assemble(making, &images, &layers).await?;
            Ok(ImageSnapshot {
                version: ImageSnapshot::VERSION,
                id: order.snapshot,
                created: self.parts.clock.now(),
                made_in_milliseconds: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                images,
            })
        };
        let made = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(BuildError::Cancelled),
            made = work => made,
        };
        // A commit that was begun comes to its end in the store; given up in the middle it would leave a document behind.
        let made = match made {
            Ok(snapshot) => self.commit(order, snapshot, copies.as_ref(), cancel).await,
            Err(error) => Err(error),
        };
        match made {
            Ok(snapshot) => Ok((lease, snapshot)),
            Err(error) => {
                // Layers that are still on their way out hold it as well, and nobody needs what they make.
                if let Err(left) = lease.release().await {
                    tracing::warn!(error = chain(&left), "failed to release a failed build's lease");
                }
                Err(error)
            }
        }
    }

    pub(super) async fn commit(
        &self,
        order: &BuildOrder,
        snapshot: ImageSnapshot,
        copies: Option<&CopyProgress>,
        cancel: &CancellationToken,
    ) -> Result<ImageSnapshot, BuildError> {
        let stored = self.parts.store.put_snapshot(&snapshot).await;
        stored.map_err(BuildError::store("commit the image snapshot"))?;
        step("snapshot-committed")?;
        if let Some(copies) = copies {
            let count = order.cache.policy.copies.standard_copies.get();
            self.copy_to_standard(&snapshot, count, copies, cancel).await?;
        }
        Ok(snapshot)
    }

    async fn resolve(
        &self,
        order: &BuildOrder,
        registry: &Registry,
        progress: &BuildProgress,
    ) -> Result<Vec<Arc<ResolvedImage>>, BuildError> {
        let cache = &order.cache;
        let resolve = |source: ImageSource| async move {
            let resolved = registry.resolve(&source, &cache.platform).await;
            let resolved = resolved.map_err(|error| BuildError::Resolve(Arc::new(error)))?;
            progress.image_resolved(source.clone());
            let message = format!(
                "{source} is {}: {} layers, {}",
                resolved.manifest.digest,
                resolved.manifest.layers.len(),
                resolved.manifest.compressed_size()
            );
            self.note(self.event(cache.id, EventKind::Normal, EventReason::ImageResolved, message)).await;
            Ok(Arc::new(resolved))
        };
        futures::stream::iter(order.plan.images.clone())
            .map(resolve)
            .buffered(self.parts.settings.resolves.max(1))
            .try_collect()
            .await
    }

    /// Brings every layer into the store, several at once, the largest first so that no long one is left to the end. What is
    /// there and not the account's own is made as if it were not there.
    pub(super) async fn make_layers(
        self: &Arc<Self>,
        making: Making<'_>,
        images: &[Arc<ResolvedImage>],
    ) -> Result<HashMap<DiffId, LayerMade>, BuildError> {
        let Making { about, lease, budget, progress, .. } = making;
        let mut wanted = wanted_layers(images);
        for layer in &wanted {
            progress.layer_known(layer.diff_id, layer.descriptor.digest, layer.descriptor.size);
        }
        let keys: Vec<BlobKey> = wanted.iter().map(|layer| BlobKey::Layer(layer.diff_id)).collect();
        lease.extend(&keys).await.map_err(BuildError::store("keep the layers"))?;
        wanted.sort_by_key(|layer| std::cmp::Reverse(layer.descriptor.size));
        let own = match making.reuses {
            true => self.own_layers(making.account, images).await,
            // As if nothing were there. What is made is the same, and is stored once.
            false => OwnLayers::none(),
        };
        let mut made = HashMap::new();
        let mut missing = Vec::new();
        // What is there already is counted first, so that the size is known to be too small before anything is fetched.
        for layer in wanted {
            if !own.has(&layer.diff_id) {
                missing.push(layer);
                continue;
            }
            let found = layer_job::look(self, layer.diff_id).await;
            let (found, discarded) = found.map_err(|error| layer.failed(error))?;
            if discarded {
                self.note_discarded(about, &layer).await;
            }
            match found {
                Some(found) => {
                    progress.layer_is(layer.diff_id, LayerPhase::Reused);
                    take(budget, &layer, &found)?;
                    self.note_reused(about, &layer).await;
                    made.insert(layer.diff_id, found);
                }
                None => missing.push(layer),
            }
        }
        let mut running: FuturesUnordered<_> =
            missing.iter().map(|layer| self.make_layer(making, layer, own.has(&layer.diff_id))).collect();
        while let Some(layer) = running.try_next().await? {
            made.insert(layer.diff_id, layer);
        }
        Ok(made)
    }

    async fn make_layer(
        self: &Arc<Self>,
        making: Making<'_>,
        layer: &Wanted,
        is_own: bool,
    ) -> Result<LayerMade, BuildError> {
        let Making { about, account, registry, lease, budget, progress, .. } = making;
        let begun = Instant::now();
        let control =
            || Control::with_budget(Arc::clone(budget)).sharing_windows(Arc::clone(&self.zstd_windows));
        loop {
            let (flight, ours) = self.flights.join(
                (account, is_own),
                layer.diff_id,
                &self.tracker,
                control,
                |control, cancel| {
                    let job = LayerOrder {
                        registry: registry.clone(),
                        image: Arc::clone(&layer.image),
                        descriptor: layer.descriptor.clone(),
                        diff_id: layer.diff_id,
                        is_own,
                        starts_at_once: about.is_none(),
                        lease: Arc::clone(lease),
                        control,
                        progress: progress.clone(),
                    };
                    layer_job::make(Arc::clone(self), job, cancel)
                },
            );
            progress.layer_follows(layer.diff_id, flight.control());
            progress.layer_is(layer.diff_id, LayerPhase::Unpacking);
            let outcome = tokio::select! {
                biased;
                outcome = flight.landed() => outcome,
                // Another build's layer is counted on that build's size, so ours has to be watched.
                () = grows_beyond(flight.control(), budget), if !ours => return Err(layer.too_large(budget)),
            };
            match outcome {
                Ok(made) => {
                    // What was converted for us has been counted as it came.
                    if !ours || made.fetched.is_none() {
                        take(budget, layer, &made)?;
                    }
                    let is_foreign = ours && made.fetched.is_none();
                    let phase = if is_foreign { LayerPhase::Reused } else { LayerPhase::Done };
                    progress.layer_is(layer.diff_id, phase);
                    self.note_made(about, layer, &made, ours, begun).await;
                    return Ok(made);
                }
                // Another build's making failed, perhaps for its own smaller size: make it ourselves.
                Err(_) if !ours => {}
                Err(failure) => return Err(layer.failed_by(failure, budget)),
            }
        }
    }

    /// The images as the snapshot keeps them, merged metadata images made where layers lean on each other.
    pub(super) async fn assemble(
        &self,
        making: Making<'_>,
        images: &[Arc<ResolvedImage>],
        layers: &HashMap<DiffId, LayerMade>,
    ) -> Result<Vec<SnapshotImage>, BuildError> {
        let Making { about, lease, budget, .. } = making;
        let mut assembled = Vec::with_capacity(images.len());
        for image in images {
            let own: Vec<&LayerMade> = image.config.diff_ids.iter().filter_map(|id| layers.get(id)).collect();
            let merged = merge_job::merge_where_needed(self, &image.source, &own, lease, budget).await?;
            if merged.is_some() {
                let message = format!("{}: layers lean on those below, so they were merged", image.source);
                self.say(about, EventKind::Normal, EventReason::LayersMerged, message).await;
            }
            let layers = image.manifest.layers.iter().zip(&own).map(|(descriptor, made)| SnapshotLayer {
                diff_id: made.diff_id,
                descriptor: descriptor.clone(),
                blob_size: made.blob_size,
                root_is_given: made.leans.root_is_given,
            });
            assembled.push(SnapshotImage {
                source: image.source.clone(),
                manifest_digest: image.manifest.digest,
                index_digest: image.index_digest,
                image_id: model::ImageId::new(*image.manifest.config.digest.digest()),
                platform: image.platform.clone(),
                manifest: Document(image.manifest_document.to_vec()),
                config_document: Document(image.config_document.to_vec()),
                config: image.config.clone(),
                layers: layers.collect(),
                merged,
            });
        }
        Ok(assembled)
    }
}

/// A named step, at which tests kill the process or fail the build.
pub(crate) fn step(name: &'static str) -> Result<(), BuildError> {
    let failed = |source| blobstore::Error::Step { step: name, source };
    blobstore::fault::point(name).map_err(failed).map_err(BuildError::store("pass a step"))
}

/// Comes back when a conversion has expanded to more than is left.
async fn grows_beyond(control: &Control, budget: &SharedBudget) {
    let mut tick = tokio::time::interval(WATCH);
    while control.tar_bytes() <= budget.left().as_u64() {
        tick.tick().await;
    }
}
