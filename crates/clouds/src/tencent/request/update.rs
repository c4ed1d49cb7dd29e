//! `UpdateImageCache`, `DeleteImageCaches`, `GetMostSuitableImageCache`.

use model::{ByteSize, CacheName, Tags};

use super::Error;
use super::fields::{Fields, LONGEST_WORD};
use super::structures::{
    self, GivenImage, ImageRegistryCredential, MOST_IMAGES, MOST_LISTED, NamedCache, Retention, named_cache,
};

/// What is changed of a cache; `None` leaves it.
#[derive(Clone, Debug)]
pub struct UpdateImageCache {
    /// Which cache.
    pub image_cache_id: NamedCache,
    /// Its name.
    pub image_cache_name: Option<CacheName>,
    /// Logins in place of those that it has.
    pub image_registry_credentials: Option<Vec<ImageRegistryCredential>>,
    /// Its images: it is built again.
    pub images: Option<Vec<GivenImage>>,
    /// Its size, 20 to 32000 GiB: it is built again.
    pub image_cache_size: Option<ByteSize>,
    /// How long it is kept, counted from its creation.
    pub retention: Option<Retention>,
    /// Security groups of the builder; mean nothing here.
    pub security_group_ids: Option<Vec<String>>,
    /// Its tags in place of those that it has.
    pub tags: Option<Tags>,
}

impl UpdateImageCache {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, Error> {
        Ok(Self {
            image_cache_id: named_cache(fields.word("ImageCacheId")?),
            image_cache_name: structures::cache_name(fields)?,
            image_registry_credentials: structures::credentials(fields)?,
            images: structures::images(fields, MOST_IMAGES)?,
            image_cache_size: structures::size(fields)?,
            retention: Retention::read(fields)?,
            security_group_ids: fields.words("SecurityGroupIds", 0..=MOST_LISTED)?,
            tags: structures::tags(fields)?,
        })
    }
}

/// Caches to delete: all of them, or where one is unknown none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteImageCaches {
    /// Which, at least one.
    pub image_cache_ids: Vec<NamedCache>,
}

impl DeleteImageCaches {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, Error> {
        let ids = fields.words("ImageCacheIds", 1..=MOST_LISTED)?.unwrap_or_default();
        Ok(Self { image_cache_ids: ids.into_iter().map(named_cache).collect() })
    }
}

/// Asks which cache serves some images best.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetMostSuitableImageCache {
    /// The images of the instance, at least one.
    pub images: Vec<GivenImage>,
    /// Only caches for this snapshotter.
    pub snapshotter: Option<String>,
}

impl GetMostSuitableImageCache {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, Error> {
        Ok(Self {
            images: structures::images(fields, MOST_LISTED)?.unwrap_or_default(),
            snapshotter: fields.text("Snapshotter", LONGEST_WORD)?,
        })
    }
}
