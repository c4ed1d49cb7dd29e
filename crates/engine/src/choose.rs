//! From a user's word to the image that an instance starts from.

use blobstore::{Lease, LeaseTerm};
use metastore::CacheFilter;
use model::{AccountId, ImageCache, ImageSnapshot, ImageSource, Platform, Savings, SnapshotImage};

use crate::{Engine, Error};

/// What an instance is to start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A cache, by name or id, and which of its images where it has several.
    Cache {
        /// Name or id.
        word: String,
        /// Which image.
        image: Option<ImageSource>,
    },
    /// An image, whichever cache has it.
    Image {
        /// The image.
        source: ImageSource,
        /// The platform that it is wanted for.
        platform: Platform,
    },
}

/// An image to start from, kept from collection while this lives.
pub struct Chosen {
    /// The cache that has it.
    pub cache: ImageCache,
    /// The image with its layers.
    pub image: SnapshotImage,
    /// The snapshot that it is in.
    pub snapshot: model::ImageSnapshotId,
    /// What starting from it spares.
    pub saved: Savings,
    /// Keeps the blobs until the instance's own reference does.
    pub lease: Box<dyn Lease>,
}

impl std::fmt::Debug for Chosen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chosen").field("cache", &self.cache.id).field("image", &self.image.source).finish()
    }
}

impl Engine {
    /// Finds the image to start from. `None` where an image is in no usable cache (a miss). No registry is asked.
    ///
    /// # Errors
    /// [`Error::UnknownCache`], [`Error::NotUsable`], [`Error::WhichImage`], [`Error::SnapshotMissing`]; those of store and
    /// records.
    pub async fn choose(&self, account: &AccountId, target: &Target) -> Result<Option<Chosen>, Error> {
        let (cache, snapshot, image) = match target {
            Target::Cache { word, image } => {
                let cache = self.find_cache(account, word).await?.cache;
                let snapshot = self.usable_snapshot(&cache).await?;
                let image = pick(&cache, &snapshot, image.as_ref())?;
                (cache, snapshot, image)
            }
            Target::Image { source, platform } => match self.newest_with(account, source, platform).await? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let keys: Vec<_> = image.blob_keys().collect();
        let owner = format!("start from the cache {}", cache.id);
        let lease = self.store().lease(&owner, &keys, LeaseTerm::Held).await;
        let lease = lease.map_err(Error::store("keep an image's blobs"))?;
        // Named first, looked at second: a collection between the two would have taken them.
        for key in &keys {
            let found = self.store().stat(key).await.map_err(Error::store("look for an image's blobs"))?;
            if found.is_none() {
                return Err(Error::SnapshotMissing { id: cache.id, snapshot: snapshot.id });
            }
        }
        let saved = snapshot.savings_of_start([&image]);
        Ok(Some(Chosen { cache, image, snapshot: snapshot.id, saved, lease }))
    }

    async fn usable_snapshot(&self, cache: &ImageCache) -> Result<ImageSnapshot, Error> {
        let not_usable = || Error::NotUsable {
            name: cache.name.clone(),
            id: cache.id,
            state: cache.state,
            failure: cache.failure.as_ref().map(|failure| failure.message.clone()),
        };
        if !cache.is_usable() {
            return Err(not_usable());
        }
        self.snapshot_of(cache).await?.ok_or_else(not_usable)
    }

    async fn newest_with(
        &self,
        account: &AccountId,
        source: &ImageSource,
        platform: &Platform,
    ) -> Result<Option<(ImageCache, ImageSnapshot, SnapshotImage)>, Error> {
        let filter = CacheFilter { account: Some(account.clone()), ..CacheFilter::default() };
        let mut candidates = self.all_caches(&filter).await?;
        candidates.retain(|cache| cache.is_usable() && cache.platform == *platform);
        for cache in candidates.into_iter().rev() {
            // One broken snapshot must not hide the others.
            let snapshot = match self.snapshot_of(&cache).await {
                Ok(Some(snapshot)) => snapshot,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(cache = %cache.id, error = crate::chain(&error), "passed over a cache");
                    continue;
                }
            };
            if let Some(image) = snapshot.find(source).cloned() {
                return Ok(Some((cache, snapshot, image)));
            }
        }
        Ok(None)
    }
}

fn pick(
    cache: &ImageCache,
    snapshot: &ImageSnapshot,
    wanted: Option<&ImageSource>,
) -> Result<SnapshotImage, Error> {
    let which = || Error::WhichImage {
        name: cache.name.clone(),
        images: snapshot.images.iter().map(|image| image.source.clone()).collect(),
    };
    match (wanted, snapshot.images.as_slice()) {
        (Some(wanted), _) => snapshot.find(wanted).cloned().ok_or_else(which),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(which()),
    }
}
