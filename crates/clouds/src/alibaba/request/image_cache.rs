//! The operations on image caches.

use model::{CopyCount, Elimination, RetentionDays, Tags};

use super::access::{AcrRegistryInfo, RegistryAccess, RegistryCredential};
use super::image::GivenImage;
use super::network::NetworkPlace;
use super::tags::{self, TagFilter, TagRules};
use super::text::{ClientToken, FreeName, PageToken, RegionId, ResourceId};
use super::words::OsType;
use crate::alibaba::error::Refusal;
use crate::alibaba::parameters::Fields;

/// The product's limit; the schema's is 100.
const MOST_IMAGES: usize = 20;
const MOST_MATCHED_IMAGES: usize = 100;
/// Smaller sizes are raised to this.
const LEAST_GIB: u32 = 20;
const MOST_GIB: u32 = 32_768;

/// What creation and update say alike of a cache beside its name and images. In a creation, what is not there has its default; in an
/// update it stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheParameters {
    /// `ImageCacheSize`, in GiB, 20 at least; 20 by default.
    pub size_gib: Option<u32>,
    /// `RetentionDays`: for ever by default.
    pub retention: Option<RetentionDays>,
    /// `AutoMatchImageCache`: whether layers of other caches are reused; not by default.
    pub reuse_layers: Option<bool>,
    /// `Flash`: usable from a local snapshot first; not by default.
    pub flash: Option<bool>,
    /// `StandardCopyCount`: 1 by default.
    pub standard_copies: Option<CopyCount>,
    /// `FlashCopyCount`: 1 by default.
    pub flash_copies: Option<CopyCount>,
    /// `EliminationStrategy`: none is kept by default; said as empty, it is kept too.
    pub elimination: Option<Elimination>,
    /// `Tag.N`
    pub tags: Option<Tags>,
    /// `ResourceGroupId`: the account's default group by default.
    pub resource_group_id: Option<ResourceId>,
}

impl CacheParameters {
    fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let copies = |part: &str| {
            let count = fields.parsed::<u32>(part)?;
            count.map(|count| CopyCount::try_from(count).map_err(|_| fields.invalid(part))).transpose()
        };
        let days = fields.parsed::<u32>("RetentionDays")?;
        let size = fields.number("ImageCacheSize", 1..=MOST_GIB)?;
        Ok(Self {
            size_gib: size.map(|size| size.max(LEAST_GIB)),
            retention: days
                .map(|days| RetentionDays::try_from(days).map_err(|_| fields.invalid("RetentionDays")))
                .transpose()?,
            reuse_layers: fields.boolean("AutoMatchImageCache")?,
            flash: fields.boolean("Flash")?,
            standard_copies: copies("StandardCopyCount")?,
            flash_copies: copies("FlashCopyCount")?,
            elimination: match fields.blank_or("EliminationStrategy") {
                None => None,
                Some("") => Some(Elimination::Keep),
                Some("LRU") => Some(Elimination::Lru),
                Some(_) => return Err(fields.invalid("EliminationStrategy")),
            },
            tags: tags::read(fields, TagRules::CACHE)?,
            resource_group_id: fields.parsed("ResourceGroupId")?,
        })
    }
}

/// Makes a cache of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateImageCache {
    /// `RegionId`
    pub region: RegionId,
    /// `ImageCacheName`: not unique.
    pub name: FreeName,
    /// `Image.N`: 1 to 20.
    pub images: Vec<GivenImage>,
    /// What an update can change.
    pub parameters: CacheParameters,
    /// How the images' registries are reached.
    pub access: RegistryAccess,
    /// Where the images are pulled.
    pub network: NetworkPlace,
    /// `OsType`: Linux by default.
    pub os_type: Option<OsType>,
    /// `Annotations`: not public.
    pub annotations: Option<String>,
    /// `ClientToken`
    pub client_token: Option<ClientToken>,
}

impl CreateImageCache {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let region = fields.required("RegionId")?;
        let name = fields.required("ImageCacheName")?;
        let images = fields.list("Image", MOST_IMAGES)?;
        if images.is_empty() {
            return Err(fields.missing("Image"));
        }
        Ok(Self {
            region,
            name,
            images,
            parameters: CacheParameters::read(fields)?,
            access: RegistryAccess::read(fields)?,
            network: NetworkPlace::read_with_zone(fields)?,
            os_type: fields.parsed("OsType")?,
            annotations: fields.parsed("Annotations")?,
            client_token: fields.parsed("ClientToken")?,
        })
    }
}

/// Changes a cache. With images, its data is made anew, even where they are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateImageCache {
    /// `RegionId`
    pub region: RegionId,
    /// `ImageCacheId`
    pub id: ResourceId,
    /// `ImageCacheName`
    pub name: Option<FreeName>,
    /// `Image.N`: up to 20.
    pub images: Vec<GivenImage>,
    /// What changes beside.
    pub parameters: CacheParameters,
    /// `ImageRegistryCredential.N`
    pub credentials: Vec<RegistryCredential>,
    /// `AcrRegistryInfo.N`, without roles.
    pub acr: Vec<AcrRegistryInfo>,
    /// Where the images are pulled; without a zone.
    pub network: NetworkPlace,
    /// `ClientToken`
    pub client_token: Option<ClientToken>,
}

impl UpdateImageCache {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            region: fields.required("RegionId")?,
            id: fields.required("ImageCacheId")?,
            name: fields.parsed("ImageCacheName")?,
            images: fields.list("Image", MOST_IMAGES)?,
            parameters: CacheParameters::read(fields)?,
            credentials: RegistryCredential::read_all(fields)?,
            acr: AcrRegistryInfo::read_all(fields)?,
            network: NetworkPlace::read(fields)?,
            client_token: fields.parsed("ClientToken")?,
        })
    }
}

/// Deletes a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteImageCache {
    /// `RegionId`
    pub region: RegionId,
    /// `ImageCacheId`
    pub id: ResourceId,
    /// `ClientToken`
    pub client_token: Option<ClientToken>,
}

impl DeleteImageCache {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            region: fields.required("RegionId")?,
            id: fields.required("ImageCacheId")?,
            client_token: fields.parsed("ClientToken")?,
        })
    }
}

/// Lists caches: those that all of the filters fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeImageCaches {
    /// `RegionId`
    pub region: RegionId,
    /// `ImageCacheId`: that one.
    pub id: Option<ResourceId>,
    /// `ImageCacheName`: those of exactly this name.
    pub name: Option<FreeName>,
    /// `SnapshotId`
    pub snapshot_id: Option<ResourceId>,
    /// `Image`: those with this image.
    pub image: Option<GivenImage>,
    /// `ResourceGroupId`
    pub resource_group_id: Option<ResourceId>,
    /// `Tag.N`: up to 20.
    pub tags: Vec<TagFilter>,
    /// `MatchImage.N`: those that match these images best; up to 100.
    pub match_images: Vec<GivenImage>,
    /// `ImageFullMatch`: of these, those that have all layers of the images.
    pub full_match: bool,
    /// `ImageMatchCountRequest`: of these, those that have so many of the images whole.
    pub match_count: Option<u32>,
    /// `Limit`: the length of a page. No maximum is published: the caller bounds it.
    pub limit: Option<u32>,
    /// `NextToken`
    pub next_token: Option<PageToken>,
}

impl DescribeImageCaches {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            region: fields.required("RegionId")?,
            id: fields.parsed("ImageCacheId")?,
            name: fields.parsed("ImageCacheName")?,
            snapshot_id: fields.parsed("SnapshotId")?,
            image: fields.parsed("Image")?,
            resource_group_id: fields.parsed("ResourceGroupId")?,
            tags: TagFilter::read(fields, Tags::MOST)?,
            match_images: fields.list("MatchImage", MOST_MATCHED_IMAGES)?,
            full_match: fields.flag("ImageFullMatch")?,
            match_count: fields.number("ImageMatchCountRequest", 0..=100)?,
            limit: fields.number("Limit", 1..=i32::MAX.unsigned_abs())?,
            next_token: fields.parsed("NextToken")?,
        })
    }
}
