//! Which caches could serve a wish, and the best of them with what it has of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use metastore::{CacheFilter, CacheOutline, Order, Page};
use model::matching::{MatchRequest, Taken, WantedImage, rank};
use model::prediction::Evidence;
use model::{
    AccountId, CacheId, CacheState, ImageCache, ImageSnapshot, ImageSource, LayerDescriptor, SnapshotImage,
    Staleness,
};
use registry::ResolvedImage;
use tokio_util::sync::CancellationToken;

use super::{StalenessWish, StartWish};
use crate::own_layers::OwnLayers;
use crate::{Engine, Error, chain};

/// A cache that is looked at without the indexes: so many of an image's name at most.
const NAMED: u32 = 64;

/// So many of the best are tried where snapshots turn out to be gone or broken.
const TRIED: usize = 8;

/// A cache to start from.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) cache: ImageCache,
    pub(super) snapshot: ImageSnapshot,
    /// What it has of each wanted image by name or digest.
    pub(super) images: Vec<Option<SnapshotImage>>,
    /// Places of wanted images whose tag means another image by now.
    pub(super) moved: BTreeSet<usize>,
}

impl Found {
    pub(super) fn new(cache: ImageCache, snapshot: ImageSnapshot, wanted: &[ImageSource]) -> Self {
        let images = wanted.iter().map(|source| snapshot.find(source).cloned()).collect();
        Self { cache, snapshot, images, moved: BTreeSet::new() }
    }

    /// Whether it has every wanted image by name or digest.
    pub(super) fn is_whole(&self) -> bool {
        !self.images.is_empty() && self.images.iter().all(Option::is_some)
    }
}

impl Engine {
    /// The best cache by what images are called. Where few caches have images of these names, the records say it; else the
    /// indexes do.
    pub(super) async fn best_named(
        &self,
        account: &AccountId,
        request: &MatchRequest,
        wish: &StartWish,
    ) -> Result<Option<Found>, Error> {
        let Some(caches) = self.caches_named(account, wish).await? else {
            return self.best_of_all(account, request, wish).await;
        };
        let mut candidates = Vec::with_capacity(caches.len());
        for cache in &caches {
            let Some(snapshot) = cache.snapshot else { continue };
            if let Some(record) = self.records().snapshot(snapshot).await? {
                let summary = self.workshop.summary_of(record).await?;
                candidates.push(crate::indexes::candidate(&CacheOutline::from(cache), &summary));
            }
        }
        let ranking = rank(request, &candidates, TRIED);
        self.first_whole(&ranking.taken, wish).await
    }

    /// The usable caches of the account that have an image of a wanted name; `None` where these are many.
    async fn caches_named(
        &self,
        account: &AccountId,
        wish: &StartWish,
    ) -> Result<Option<Vec<ImageCache>>, Error> {
        let mut seen = BTreeSet::new();
        let mut caches: Vec<ImageCache> = Vec::new();
        for image in &wish.images {
            let usable = CacheState::ALL.into_iter().filter(|state| state.is_usable()).collect();
            let mut filter = CacheFilter {
                account: Some(account.clone()),
                states: Some(usable),
                ..CacheFilter::default()
            };
            match image {
                ImageSource::Registry(reference) => filter.repository = Some(reference.repository().clone()),
                file => filter.image = Some(file.clone()),
            }
            let page = Page { limit: NAMED, order: Order::NewestFirst, ..Page::first() };
            let found = self.records().find_caches(&filter, page).await?;
            if found.len() >= NAMED as usize {
                return Ok(None);
            }
            caches.extend(found.into_iter().filter(|cache| cache.is_usable() && seen.insert(cache.id)));
        }
        Ok(Some(caches))
    }

    /// The best of all caches of the account.
    pub(super) async fn best_of_all(
        &self,
        account: &AccountId,
        request: &MatchRequest,
        wish: &StartWish,
    ) -> Result<Option<Found>, Error> {
        let ranking = self.match_images(account, request, TRIED).await?;
        self.first_whole(&ranking.taken, wish).await
    }

    /// The first of them whose image snapshot can be read. One broken snapshot must not hide the others.
    async fn first_whole(&self, taken: &[Taken], wish: &StartWish) -> Result<Option<Found>, Error> {
        for taken in taken {
            match self.load(taken.id, wish).await {
                Ok(found @ Some(_)) => return Ok(found),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(cache = %taken.id, error = chain(&error), "passed over a cache");
                }
            }
        }
        Ok(None)
    }

    async fn load(&self, id: CacheId, wish: &StartWish) -> Result<Option<Found>, Error> {
        let cache = match self.records().cache(id).await {
            Err(metastore::Error::NoCache(_)) => return Ok(None),
            cache => cache?,
        };
        if !cache.is_usable() {
            return Ok(None);
        }
        let snapshot = self.snapshot_of(&cache).await?;
        Ok(snapshot.map(|snapshot| Found::new(cache, snapshot, &wish.images)))
    }

    /// Under `strict` asks the registry whether the tags still mean what the cache has. What has moved counts as missing.
    pub(super) async fn look_again(
        &self,
        found: &mut Found,
        wish: &StartWish,
        known: &mut [Option<Arc<ResolvedImage>>],
    ) -> Result<(), Error> {
        match wish.staleness.unwrap_or(rule_of(&found.cache)) {
            StalenessWish::Pinned => return Ok(()),
            // Behind the start, once there is one.
            StalenessWish::Refresh => return Ok(()),
            StalenessWish::Strict => {}
        }
        let registry = self.workshop.registry_of(&found.cache, &CancellationToken::new()).await?;
        // What the start says of its registries counts beside what the cache is known by.
        let registry = registry.with(&wish.access, wish.credentials.clone());
        let tagged: Vec<usize> = found
            .images
            .iter()
            .enumerate()
            .filter(|(_, image)| image.as_ref().is_some_and(|image| may_move(&image.source)))
            .map(|(place, _)| place)
            .collect();
        let sources: Vec<ImageSource> = tagged.iter().map(|place| wish.images[*place].clone()).collect();
        let resolved = self.resolve_all(&registry, sources, &wish.platform).await;
        let resolved = resolved.map_err(|source| Error::Strict {
            name: found.cache.name.clone(),
            source: Box::new(source.into()),
        })?;
        for (place, resolved) in tagged.into_iter().zip(resolved) {
            let pinned = found.images[place].as_ref().map(|image| image.manifest_digest);
            if pinned != Some(resolved.manifest.digest) {
                found.images[place] = None;
                found.moved.insert(place);
                known[place] = Some(resolved);
            }
        }
        Ok(())
    }

    /// The wanted images with their layers, where these are known by now.
    pub(super) async fn wanted_images(
        &self,
        account: &AccountId,
        wish: &StartWish,
        known: &[Option<Arc<ResolvedImage>>],
    ) -> Result<Vec<WantedImage>, Error> {
        let resolved: Vec<Arc<ResolvedImage>> = known.iter().flatten().cloned().collect();
        let own = self.workshop.own_layers(account, &resolved).await;
        let mut wanted = Vec::with_capacity(known.len());
        for (source, resolved) in wish.images.iter().zip(known) {
            wanted.push(match resolved {
                Some(resolved) => self.wanted_image(&own, source, resolved).await?,
                None => WantedImage::named(source.clone()),
            });
        }
        Ok(wanted)
    }

    /// A wanted image with its layers, their sizes as the store or the records know them, or guessed.
    pub(crate) async fn wanted_image(
        &self,
        own: &OwnLayers,
        source: &ImageSource,
        resolved: &ResolvedImage,
    ) -> Result<WantedImage, Error> {
        let mut layers = Vec::with_capacity(resolved.manifest.layers.len());
        for (layer, diff_id) in resolved.manifest.layers.iter().zip(&resolved.config.diff_ids) {
            let (expected, _) = match self.known_size(own, layer, *diff_id).await?.0 {
                Some(known) => known,
                None => guessed(layer),
            };
            layers.push((*diff_id, expected.likely()));
        }
        Ok(WantedImage { source: source.clone(), layers })
    }
}

fn guessed(layer: &LayerDescriptor) -> (model::prediction::Expected, Evidence) {
    Evidence::of_served(layer.compression, layer.size, None)
}

fn rule_of(cache: &ImageCache) -> StalenessWish {
    match cache.policy.staleness {
        Staleness::Pinned => StalenessWish::Pinned,
        Staleness::Refresh { .. } => StalenessWish::Refresh,
        Staleness::Strict => StalenessWish::Strict,
    }
}

/// A digest means the same for ever, and a file is no registry's.
fn may_move(source: &ImageSource) -> bool {
    matches!(source, ImageSource::Registry(reference) if reference.digest().is_none())
}
