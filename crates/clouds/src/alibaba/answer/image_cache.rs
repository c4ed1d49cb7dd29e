//! Answers about image caches.

use model::{CacheState, Elimination, EventKind, Percent, Tags, Timestamp};
use serde::Serialize;

use super::print;

/// Of `CreateImageCache`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreatedImageCache {
    /// The cache.
    pub image_cache_id: String,
    /// The transit instance, which pulls the images.
    pub container_group_id: String,
}

/// Of `DescribeImageCaches`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageCaches {
    /// Where the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// How many there are on all pages.
    pub total_count: u64,
    /// Those of this page.
    pub image_caches: Vec<ImageCacheEntry>,
}

/// One cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageCacheEntry {
    /// Its id.
    pub image_cache_id: String,
    /// Its name.
    pub image_cache_name: String,
    /// Its region.
    pub region_id: String,
    /// Its resource group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_group_id: Option<String>,
    /// Its images, as given.
    pub images: Vec<String>,
    /// Its size in GiB.
    pub image_cache_size: u32,
    /// Where it is in its life; our words are the cloud's.
    pub status: CacheState,
    /// How far its build is, or with a flash snapshot, the standard one.
    #[serde(serialize_with = "print::display")]
    pub progress: Percent,
    /// When it was asked for.
    #[serde(serialize_with = "print::display")]
    pub creation_time: Timestamp,
    /// When it is deleted; none: never.
    #[serde(serialize_with = "print::maybe_time", skip_serializing_if = "Option::is_none")]
    pub expire_date_time: Option<Timestamp>,
    /// When it was last used.
    #[serde(serialize_with = "print::maybe_time", skip_serializing_if = "Option::is_none")]
    pub last_matched_time: Option<Timestamp>,
    /// The transit instance, which pulled its images.
    pub container_group_id: String,
    /// Its standard snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// Its local snapshot, while there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flash_snapshot_id: Option<String>,
    /// Whether it may be evicted.
    #[serde(serialize_with = "print::elimination")]
    pub elimination_strategy: Elimination,
    /// Its tags.
    #[serde(serialize_with = "print::tags")]
    pub tags: Tags,
    /// What happened to it, the newest 50 at most.
    pub events: Vec<CacheEvent>,
}

/// What happened to a cache or a container group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CacheEvent {
    /// Whether somebody should look at it.
    #[serde(rename = "Type")]
    pub kind: EventKind,
    /// What happened, in one word of the cloud.
    pub reason: String,
    /// The particulars.
    pub message: String,
    /// Its own name: that of what it is about, a point, and 16 hexadecimal digits.
    pub name: String,
    /// How often.
    pub count: u32,
    /// When first.
    #[serde(serialize_with = "print::display")]
    pub first_timestamp: Timestamp,
    /// When last.
    #[serde(serialize_with = "print::display")]
    pub last_timestamp: Timestamp,
}
