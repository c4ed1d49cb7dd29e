//! What starts: a cache's snapshot as it is, or one of the instance's own with what is missing fetched into it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use blobstore::{BlobStore, Lease, LeaseTerm};
use layer::SharedBudget;
use model::{
    AccountId, BlobKey, ByteSize, ImageSnapshot, ImageSnapshotId, ImageSource, InstanceId, Savings,
    SnapshotImage,
};
use registry::{Registry, ResolvedImage};
use tokio::time::Instant;

use super::candidates::Found;
use super::{CacheChoice, StalenessWish, StartChoice, StartOutcome, StartWish};
use crate::build::{BuildProgress, stat_whole};
use crate::{Engine, Error};

/// Space of an instance that starts from no cache, where nothing is said: what an automatic cache has, too.
pub(super) const SPACE: ByteSize = ByteSize::gib(30);

/// Images of more than this as served may need more than [`SPACE`]: then their size is predicted.
const SURELY_FITS: ByteSize = ByteSize::gib(4);

/// A store that has all blobs of some images, and what keeps them there.
struct Place {
    store: Arc<dyn BlobStore>,
    lease: Arc<dyn Lease>,
}

/// Whose lease it is that keeps the blobs of a start.
fn lease_owner(instance: InstanceId) -> String {
    format!("start of {instance}")
}

impl Engine {
    /// A start from a cache that has everything; `None` where its blobs are not all in one store any more, which is no hit.
    pub(super) async fn hit(&self, found: &Found, wish: &StartWish) -> Result<Option<StartChoice>, Error> {
        let images: Vec<SnapshotImage> = found.images.iter().flatten().cloned().collect();
        let keys: BTreeSet<BlobKey> = images.iter().flat_map(SnapshotImage::blob_keys).collect();
        let keys: Vec<BlobKey> = keys.into_iter().collect();
        let Some(Place { store, lease }) = self.place_for(&keys, wish.instance).await? else {
            tracing::warn!(cache = %found.cache.id, "blobs of a usable cache are missing in every store");
            return Ok(None);
        };
        Ok(Some(StartChoice {
            outcome: StartOutcome::Hit,
            cache: Some(found.cache.clone()),
            saved: found.snapshot.savings_of_start(&images),
            images,
            platform: wish.platform.clone(),
            snapshot: found.snapshot.id,
            own: None,
            size_limit: found.cache.size_limit,
            fetched: ByteSize::ZERO,
            store,
            lease,
            was_asked: false,
            looks_again: wish.staleness == Some(StalenessWish::Refresh),
            access: wish.access.clone(),
            credentials: wish.credentials.clone(),
            is_automatic: false,
        }))
    }

    /// An image of a snapshot, kept where it is; `None` where the snapshot, the image or a blob of it is nowhere whole any more.
    pub(crate) async fn hold_image(
        &self,
        snapshot: ImageSnapshotId,
        source: &ImageSource,
        instance: InstanceId,
    ) -> Result<Option<(SnapshotImage, Arc<dyn BlobStore>, Arc<dyn Lease>)>, Error> {
        let document = self.workshop.document(snapshot).await;
        let document = document.map_err(Error::store("read an image snapshot"))?;
        let Some(image) = document.as_ref().and_then(|document| document.find(source)) else {
            return Ok(None);
        };
        let keys: Vec<BlobKey> = image.blob_keys().collect();
        let place = self.place_for(&keys, instance).await?;
        Ok(place.map(|Place { store, lease }| (image.clone(), store, lease)))
    }

    /// The first store that has all of these, kept there: the local one, then the standard copies, each instance
    /// beginning with another of them.
    async fn place_for(&self, keys: &[BlobKey], instance: InstanceId) -> Result<Option<Place>, Error> {
        let owner = lease_owner(instance);
        let stores = self.workshop.stores_from(&instance.to_string()).await;
        let stores = stores.map_err(Error::store("find the standard snapshot's copies"))?;
        for store in stores {
            let lease = store.lease(&owner, keys, LeaseTerm::Held).await;
            let lease: Arc<dyn Lease> = Arc::from(lease.map_err(Error::store("keep an image's blobs"))?);
            // Named first, looked at second: a collection between the two would have taken them.
            if has_all(&*store, keys).await? {
                return Ok(Some(Place { store, lease }));
            }
            lease.release().await.map_err(Error::store("release an image's blobs"))?;
        }
        Ok(None)
    }

    /// Those of the instances whose start holds its blobs, in whichever store they are. A start that is gone holds nothing, however it
    /// went.
    pub(crate) async fn held_starts(
        &self,
        instances: &BTreeSet<InstanceId>,
    ) -> Result<BTreeSet<InstanceId>, Error> {
        let mut held = BTreeSet::new();
        if instances.is_empty() {
            return Ok(held);
        }
        let owners: HashMap<String, InstanceId> =
            instances.iter().map(|instance| (lease_owner(*instance), *instance)).collect();
        let stores = self.workshop.stores().await;
        for store in stores.map_err(Error::store("find the standard snapshot's copies"))? {
            let leases = store.list_leases(self.clock().now()).await;
            let leases = leases.map_err(Error::store("list leases"))?;
            held.extend(leases.iter().filter_map(|lease| owners.get(&lease.owner)));
        }
        Ok(held)
    }

    /// Resolves those of the wanted images that the cache does not have and that are not resolved yet.
    pub(super) async fn resolve_missing(
        &self,
        wish: &StartWish,
        found: Option<&Found>,
        known: &mut [Option<Arc<ResolvedImage>>],
    ) -> Result<(), Error> {
        let is_there = |place: usize| found.is_some_and(|found| found.images[place].is_some());
        let missing: Vec<usize> =
            (0..wish.images.len()).filter(|place| known[*place].is_none() && !is_there(*place)).collect();
        let sources = missing.iter().map(|place| wish.images[*place].clone()).collect();
        let resolved = self.resolve_all(&self.registry_for(wish), sources, &wish.platform).await?;
        for (place, resolved) in missing.into_iter().zip(resolved) {
            known[place] = Some(resolved);
        }
        Ok(())
    }

    fn registry_for(&self, wish: &StartWish) -> Registry {
        self.workshop.parts.registry.with(&wish.access, wish.credentials.clone())
    }

    /// Makes a snapshot of the instance's own: what the cache has, and the rest from the registry, of which only layers are
    /// fetched that the account may not take from the store.
    pub(super) async fn start_with(
        &self,
        account: &AccountId,
        wish: &StartWish,
        found: Option<Found>,
        mut known: Vec<Option<Arc<ResolvedImage>>>,
        progress: &BuildProgress,
    ) -> Result<StartChoice, Error> {
        let begun = Instant::now();
        let lease = self.store().lease(&lease_owner(wish.instance), &[], LeaseTerm::Held).await;
        let lease: Arc<dyn Lease> = Arc::from(lease.map_err(Error::store("keep an image's blobs"))?);
        let mut found = found;
        if let Some(found) = &mut found {
            self.leave_what_is_elsewhere(found, &*lease).await?;
            self.resolve_missing(wish, Some(found), &mut known).await?;
        }
        let space = self.space_for(account, wish, &known).await?;
        let cached = |place: usize| found.as_ref().and_then(|found| found.images[place].clone());
        let missing = known.into_iter().enumerate().filter(|(place, _)| cached(*place).is_none());
        let missing: Vec<Arc<ResolvedImage>> = missing.filter_map(|(_, image)| image).collect();
        let made = self.fetch(account, &self.registry_for(wish), &missing, space, &lease, progress).await?;
        let made: HashMap<ImageSource, SnapshotImage> =
            made.into_iter().map(|image| (image.source.clone(), image)).collect();
        let sources = wish.images.iter().enumerate();
        let images: Vec<SnapshotImage> = sources
            .filter_map(|(place, source)| cached(place).or_else(|| made.get(source).cloned()))
            .collect();
        let snapshot = ImageSnapshot {
            version: ImageSnapshot::VERSION,
            id: ImageSnapshotId::generate(),
            created: self.clock().now(),
            made_in_milliseconds: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            images: images.clone(),
        };
        let fetched = progress.fetched();
        let outcome = outcome_of(found.as_ref(), &snapshot, fetched);
        Ok(StartChoice {
            outcome,
            saved: spared(&snapshot, fetched),
            cache: found.filter(|_| outcome != StartOutcome::Miss).map(|found| found.cache),
            images,
            platform: wish.platform.clone(),
            snapshot: snapshot.id,
            own: Some(snapshot),
            size_limit: space,
            fetched,
            store: Arc::clone(&self.workshop.parts.store),
            lease,
            was_asked: true,
            looks_again: wish.staleness == Some(StalenessWish::Refresh),
            access: wish.access.clone(),
            credentials: wish.credentials.clone(),
            is_automatic: wish.cache == CacheChoice::Auto && outcome != StartOutcome::Hit,
        })
    }

    /// Images of the cache whose blobs are not in the local store count as missing: a snapshot's blobs are in one store.
    async fn leave_what_is_elsewhere(&self, found: &mut Found, lease: &dyn Lease) -> Result<(), Error> {
        for image in &mut found.images {
            let Some(cached) = image else { continue };
            let keys: Vec<BlobKey> = cached.blob_keys().collect();
            lease.extend(&keys).await.map_err(Error::store("keep an image's blobs"))?;
            if !has_all(self.store(), &keys).await? {
                *image = None;
            }
        }
        Ok(())
    }

    /// How much the instance, and what is fetched for it, may take.
    async fn space_for(
        &self,
        account: &AccountId,
        wish: &StartWish,
        known: &[Option<Arc<ResolvedImage>>],
    ) -> Result<ByteSize, Error> {
        if let Some(space) = wish.space {
            return Ok(space);
        }
        let served = known
            .iter()
            .flatten()
            .fold(ByteSize::ZERO, |sum, image| sum.plus(image.manifest.compressed_size()));
        if served <= SURELY_FITS {
            return Ok(SPACE);
        }
        let images: Vec<Arc<ResolvedImage>> = known.iter().flatten().cloned().collect();
        let prediction = self.predict_resolved(account, &self.registry_for(wish), &images).await?;
        Ok(SPACE.max(ByteSize::gib(prediction.suggested_size_gib)))
    }

    async fn fetch(
        &self,
        account: &AccountId,
        registry: &Registry,
        missing: &[Arc<ResolvedImage>],
        space: ByteSize,
        lease: &Arc<dyn Lease>,
        progress: &BuildProgress,
    ) -> Result<Vec<SnapshotImage>, Error> {
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let budget = Arc::new(SharedBudget::new(space));
        Ok(self.workshop.make_images(account, registry, missing, lease, &budget, progress).await?)
    }
}

/// A cache that turns out to have every layer, under whatever name, is a hit.
fn outcome_of(found: Option<&Found>, own: &ImageSnapshot, fetched: ByteSize) -> StartOutcome {
    let Some(found) = found else { return StartOutcome::Miss };
    let there: BTreeSet<BlobKey> = found.snapshot.blob_keys().into_iter().collect();
    let mut wanted = own.images.iter().flat_map(|image| &image.layers);
    let is_whole = wanted.all(|layer| there.contains(&BlobKey::Layer(layer.diff_id)));
    match is_whole && fetched == ByteSize::ZERO && found.moved.is_empty() {
        true => StartOutcome::Hit,
        false => StartOutcome::PartlyHit,
    }
}

async fn has_all(store: &dyn BlobStore, keys: &[BlobKey]) -> Result<bool, Error> {
    for key in keys {
        // A broken one is deleted, and made again where it is missing.
        let (found, _) = stat_whole(store, key).await.map_err(Error::store("look for an image's blobs"))?;
        if found.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What was there already need not be fetched.
fn spared(own: &ImageSnapshot, fetched: ByteSize) -> Savings {
    let all = own.savings_of_start(&own.images).fetched_bytes;
    Savings { starts: 1, fetched_bytes: all.minus(fetched), milliseconds: 0 }
}
