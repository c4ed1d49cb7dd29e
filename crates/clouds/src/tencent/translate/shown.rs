//! A cache as answers show it.

use model::{Event, Timestamp};

use super::super::{ImageCache, ShownCredential, Snapshotter, Tag};
use super::{cache_type, events, snapshot_id, status};

/// What is kept of a call beside the cache's record, to be shown again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// The images in the words in which they were given, in the order of the record's.
    pub images: &'a [String],
    /// The logins, without passwords.
    pub credentials: &'a [ShownCredential],
    /// When `GetMostSuitableImageCache` last found the cache.
    pub matched: Option<Timestamp>,
}

/// The whole cache. `expires` is when it is deleted if nothing else happens to it; `told` are its events in order of time.
#[must_use]
pub fn image_cache(
    cache: &model::ImageCache,
    expires: Option<Timestamp>,
    told: &[Event],
    given: Given<'_>,
) -> ImageCache {
    // Where an update has changed the images since, the words are those of others.
    let images = match given.images.len() == cache.images.len() {
        true => given.images.to_vec(),
        false => cache.images.iter().map(ToString::to_string).collect(),
    };
    let tags = cache.policy.tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() });
    ImageCache {
        image_cache_id: cache.id.to_string(),
        image_cache_name: cache.name.to_string(),
        image_cache_size: cache.size_limit.gib_rounded_up(),
        images,
        creation_time: cache.created.into(),
        expire_date_time: expires.into(),
        events: events(cache.id, told, cache.failure.as_ref()),
        last_matched_time: cache.last_used.max(given.matched).into(),
        snapshot_id: snapshot_id(cache.snapshot),
        status: status(cache.state),
        retention_days: cache.policy.retention.map_or(0, |days| u64::from(days.get())),
        image_registry_credentials: given.credentials.to_vec(),
        tags: tags.collect(),
        image_cache_type: cache_type(cache.origin),
        snapshotter: Snapshotter::Overlay,
    }
}
