//! A cache, as it is told.

use std::collections::BTreeMap;

use model::{ByteSize, CacheId, CacheName, ImageCache, ImageSnapshotId, ImageSource, Platform, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CacheState, Copies, Eviction, Origin, Staleness};

/// An image cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cache {
    /// Its id.
    #[schema(value_type = String, example = "imc-0192f0c1e0f07d3a8b1c2d3e4f506172")]
    pub id: CacheId,
    /// Its name, not unique.
    #[schema(value_type = String, example = "web")]
    pub name: CacheName,
    /// Who owns it.
    #[schema(example = "local")]
    pub account: String,
    /// Who had it made.
    pub origin: Origin,
    /// Where it is in its life.
    pub state: CacheState,
    /// Whether instances may start from it.
    pub usable: bool,
    /// How far its running build is; 100 where none runs and it is usable.
    #[schema(minimum = 0, maximum = 100)]
    pub progress_percent: u8,
    /// Its images, as they were asked for.
    #[schema(value_type = Vec<String>, example = json!(["docker.io/library/nginx:1.29"]))]
    pub images: Vec<ImageSource>,
    /// Which platform's images.
    #[serde(with = "crate::text")]
    #[schema(value_type = String, example = "linux/amd64")]
    pub platform: Platform,
    /// The most that its unpacked images may take, and the most that an instance may write.
    #[schema(value_type = u64, example = 21_474_836_480_u64)]
    pub size_limit_bytes: ByteSize,
    /// The same in GiB, rounded up.
    #[schema(example = 20)]
    pub size_limit_gib: u64,
    /// Unpacked bytes of the image snapshot that it serves.
    #[schema(value_type = Option<u64>)]
    pub unpacked_bytes: Option<ByteSize>,
    /// The image snapshot that it serves, once there is one.
    #[schema(value_type = Option<String>, example = "isn-0192f0c1e0f07d3a8b1c2d3e4f506172")]
    pub snapshot: Option<ImageSnapshotId>,
    /// Why its last build failed, if it did.
    pub failure: Option<Failure>,
    /// How many days after its creation it is deleted; null: when somebody deletes it.
    #[schema(minimum = 1, maximum = 65_536)]
    pub retention_days: Option<u32>,
    /// Whether it makes room under a quota.
    pub eviction: Eviction,
    /// What a start does about a tag that may have moved.
    pub staleness: Staleness,
    /// Whether it is usable as soon as the flash snapshot is complete.
    pub flash: bool,
    /// How many nodes are to hold and serve the flash snapshot.
    pub flash_copies: u32,
    /// How many times the standard snapshot is to be stored.
    pub standard_copies: u32,
    /// Whether its builds take layers from the store that are there; else each fetches and converts all of them anew.
    pub reuse_layers: bool,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Which of the copies that were asked for are not kept here, in a sentence; left out where all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fewer_copies: Option<String>,
    /// Where the copies of its image snapshot are.
    pub copies: Copies,
    /// What it served before its last updates and can go back to, newest first.
    pub generations: Vec<Generation>,
    /// What its starts spared.
    pub savings: Savings,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When its record last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated: Timestamp,
    /// When an instance last started from it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Timestamp>,
    /// When its tags were last compared with the registry.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub checked: Option<Timestamp>,
    /// When its deletion was asked for; it goes once nothing uses it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deleting: Option<Timestamp>,
    /// When the rules delete it, unless it is used or changed before; null: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Timestamp>,
    /// Whether its build's process ended in the middle; the server takes the build up.
    pub interrupted: bool,
}

/// Why a build failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// A stable word.
    #[schema(example = "image-not-found")]
    pub reason: String,
    /// The causes, for people.
    pub message: String,
}

/// An image snapshot that a cache served before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Generation {
    /// The image snapshot.
    #[schema(value_type = String)]
    pub snapshot: ImageSnapshotId,
    /// The images that it was made from.
    #[schema(value_type = Vec<String>)]
    pub images: Vec<ImageSource>,
    /// Its unpacked bytes.
    #[schema(value_type = u64)]
    pub unpacked_bytes: ByteSize,
    /// When another took its place.
    #[schema(value_type = String, format = DateTime)]
    pub replaced: Timestamp,
    /// Until when it is kept.
    #[schema(value_type = String, format = DateTime)]
    pub kept_until: Timestamp,
}

/// What the starts from a cache spared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Savings {
    /// How many instances started from it.
    pub starts: u64,
    /// Bytes as served that these did not fetch.
    #[schema(value_type = u64)]
    pub fetched_bytes: ByteSize,
    /// Milliseconds that these did not spend on pulling and unpacking.
    pub milliseconds: u64,
}

/// One page of caches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CacheList {
    /// The caches.
    pub items: Vec<Cache>,
    /// The page token of the next page; null on the last one.
    pub next: Option<String>,
    /// How many caches the filters let through, on all pages.
    pub total: u64,
}

/// What became of a cache that was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deleted {
    /// Whether it is gone; `false`: it goes once nothing uses it.
    pub gone: bool,
    /// The cache as it is now, or was last.
    pub cache: Cache,
}

impl Cache {
    /// A cache as recorded, with what the rules and its build say of it.
    #[must_use]
    pub fn new(cache: &ImageCache, expires: Option<Timestamp>, interrupted: bool) -> Self {
        let policy = &cache.policy;
        let failure = cache.failure.as_ref();
        Self {
            id: cache.id,
            name: cache.name.clone(),
            account: cache.account.to_string(),
            origin: cache.origin.into(),
            state: cache.state.into(),
            usable: cache.is_usable(),
            progress_percent: cache.progress.get(),
            images: cache.images.clone(),
            platform: cache.platform.clone(),
            size_limit_bytes: cache.size_limit,
            size_limit_gib: cache.size_limit.gib_rounded_up(),
            unpacked_bytes: cache.unpacked_size,
            snapshot: cache.snapshot,
            failure: failure.map(|f| Failure { reason: f.reason.clone(), message: f.message.clone() }),
            retention_days: policy.retention.map(model::RetentionDays::get),
            eviction: policy.elimination.into(),
            staleness: policy.staleness.into(),
            flash: policy.copies.flash,
            flash_copies: policy.copies.flash_copies.get(),
            standard_copies: policy.copies.standard_copies.get(),
            reuse_layers: policy.reuse_layers,
            tags: policy.tags.clone().into(),
            fewer_copies: None,
            copies: cache.copies.into(),
            generations: cache.generations.iter().map(Generation::from).collect(),
            savings: cache.savings.into(),
            created: cache.created,
            updated: cache.updated,
            last_used: cache.last_used,
            checked: cache.checked,
            deleting: cache.deleting,
            expires,
            interrupted,
        }
    }
}

impl From<&model::Generation> for Generation {
    fn from(generation: &model::Generation) -> Self {
        Self {
            snapshot: generation.snapshot,
            images: generation.images.clone(),
            unpacked_bytes: generation.unpacked_size,
            replaced: generation.replaced,
            kept_until: generation.kept_until,
        }
    }
}

impl From<model::Savings> for Savings {
    fn from(savings: model::Savings) -> Self {
        Self {
            starts: savings.starts,
            fetched_bytes: savings.fetched_bytes,
            milliseconds: savings.milliseconds,
        }
    }
}
