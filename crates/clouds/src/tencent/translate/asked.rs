//! What is asked for, in our words.

use std::collections::BTreeSet;

use model::matching::{MatchPolicy, MatchRequest, WantedImage};
use model::{CacheId, CacheName, CachePolicy, CacheState, ImageSource, Platform, RegistryAccess};

use super::super::{
    Code, CreateImageCache, DescribeImageCaches, Error, Filter, GetMostSuitableImageCache, GivenImage,
    NamedCache,
};
use super::status;

/// The only snapshotter there is.
const OVERLAY: &str = "overlay";

/// The images of a cache or an instance.
#[must_use]
pub fn sources(images: &[GivenImage]) -> Vec<ImageSource> {
    images.iter().map(|image| ImageSource::Registry(image.reference.clone())).collect()
}

/// What a creation says of its cache beside its images.
#[must_use]
pub fn policy(create: &CreateImageCache) -> CachePolicy {
    CachePolicy { retention: create.retention.days(), tags: create.tags.clone(), ..CachePolicy::default() }
}

/// How a creation wants its images' registries spoken to.
#[must_use]
pub fn access(create: &CreateImageCache) -> RegistryAccess {
    RegistryAccess {
        plain_http: create.registry_http_end_point_list.clone(),
        insecure: create.registry_skip_verify_list.clone(),
    }
}

/// Which caches a listing is about: those that both let through; `None` lets every one through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only these.
    pub ids: Option<BTreeSet<CacheId>>,
    /// Only those of one of these names.
    pub names: Option<BTreeSet<CacheName>>,
}

/// Which caches a listing is about. Ids and names that no cache here can have are left out.
#[must_use]
pub fn wanted(describe: &DescribeImageCaches) -> Wanted {
    let ids = describe.image_cache_ids.as_ref();
    let filters = describe.filters.iter().map(|Filter::ImageCacheName(values)| values);
    let names = describe
        .image_cache_names
        .iter()
        .chain(filters)
        .map(|names| names.iter().filter_map(|name| name.parse().ok()).collect::<BTreeSet<CacheName>>());
    Wanted {
        ids: ids.map(|ids| ids.iter().filter_map(|named| named.id).collect()),
        names: names.reduce(|some, others| some.intersection(&others).cloned().collect()),
    }
}

/// The ids of a deletion, each once.
///
/// # Errors
/// [`unknown_cache`] for the first that no cache here can have.
pub fn ids(caches: &[NamedCache]) -> Result<BTreeSet<CacheId>, Error> {
    caches.iter().map(|named| named.id.ok_or_else(|| unknown_cache(&named.text))).collect()
}

/// The answer where a cache that an update or a deletion names is not there, or another account's.
#[must_use]
pub fn unknown_cache(id: &str) -> Error {
    Error::saying(Code::ResourceNotFound, format!("The image cache `{id}` is not found."))
}

/// The answer where a cache cannot be updated in its state.
#[must_use]
pub fn wrong_state(id: CacheId, state: CacheState) -> Error {
    let message = format!(
        "The image cache `{id}` is {:?} and cannot be updated: it must be Ready or UpdateFailed.",
        status(state)
    );
    Error::saying(Code::UnsupportedOperation, message)
}

/// What is to be ranked for `GetMostSuitableImageCache`; none where the snapshotter is one that no cache has.
#[must_use]
pub fn match_request(get: &GetMostSuitableImageCache, platform: Platform) -> Option<MatchRequest> {
    let qualifies = get.snapshotter.as_deref().is_none_or(|snapshotter| snapshotter == OVERLAY);
    let images = sources(&get.images).into_iter().map(WantedImage::named);
    qualifies.then(|| MatchRequest::new(images, platform, MatchPolicy::Tencent))
}
