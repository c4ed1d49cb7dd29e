//! The documents of `--output json`: what programs rely on, whatever the records look like. `docs/json.md` shows each.

mod choice;
#[cfg(test)]
mod page;

pub(crate) use choice::{Matched, Predicted};

use std::collections::BTreeMap;

use model::{BlobKey, ByteSize, CacheId, CacheName, ImageSnapshotId, InstanceId, InstanceName, Timestamp};
use serde::Serialize;
use settings::{Entry, Value};
use wire::{CacheState, Copies, Eviction, Origin, Staleness};

/// A cache, as `list` has it, and as a part of what `create`, `show`, `update`, `rollback` and `delete` say.
#[derive(Serialize)]
pub(crate) struct Cache {
    id: CacheId,
    name: CacheName,
    account: String,
    origin: Origin,
    state: CacheState,
    /// Whether its build's process ended in the middle.
    interrupted: bool,
    progress_percent: u8,
    images: Vec<String>,
    platform: String,
    size_limit: ByteSize,
    unpacked_size: Option<ByteSize>,
    snapshot: Option<ImageSnapshotId>,
    failure: Option<wire::Failure>,
    retention_days: Option<u32>,
    eviction: Eviction,
    staleness: Staleness,
    flash: bool,
    flash_copies: u32,
    standard_copies: u32,
    copies: Copies,
    tags: BTreeMap<String, String>,
    generations: Vec<wire::Generation>,
    savings: wire::Savings,
    created: Timestamp,
    updated: Timestamp,
    last_used: Option<Timestamp>,
    /// When its deletion was asked for.
    deleting: Option<Timestamp>,
    /// When the rules delete it.
    expires: Option<Timestamp>,
}

impl From<&wire::Cache> for Cache {
    fn from(cache: &wire::Cache) -> Self {
        Self {
            id: cache.id,
            name: cache.name.clone(),
            account: cache.account.clone(),
            origin: cache.origin,
            state: cache.state,
            interrupted: cache.interrupted,
            progress_percent: cache.progress_percent,
            images: cache.images.iter().map(ToString::to_string).collect(),
            platform: cache.platform.to_string(),
            size_limit: cache.size_limit_bytes,
            unpacked_size: cache.unpacked_bytes,
            snapshot: cache.snapshot,
            failure: cache.failure.clone(),
            retention_days: cache.retention_days,
            eviction: cache.eviction,
            staleness: cache.staleness,
            flash: cache.flash,
            flash_copies: cache.flash_copies,
            standard_copies: cache.standard_copies,
            copies: cache.copies,
            tags: cache.tags.clone(),
            generations: cache.generations.clone(),
            savings: cache.savings,
            created: cache.created,
            updated: cache.updated,
            last_used: cache.last_used,
            deleting: cache.deleting,
            expires: cache.expires,
        }
    }
}

/// `create`: the cache and what its build took.
#[derive(Serialize)]
pub(crate) struct Created {
    #[serde(flatten)]
    pub(crate) cache: Cache,
    pub(crate) layers: usize,
    pub(crate) layers_reused: usize,
    pub(crate) fetched_bytes: ByteSize,
    pub(crate) seconds: f64,
}

/// `config show`: a setting, its value, and where that was said.
#[derive(Serialize)]
pub(crate) struct Setting {
    key: &'static str,
    value: Value,
    origin: &'static str,
    place: Option<String>,
}

impl From<&Entry> for Setting {
    fn from(entry: &Entry) -> Self {
        let origin = &entry.origin;
        Self { key: entry.key, value: entry.value.clone(), origin: origin.as_str(), place: origin.place() }
    }
}

/// `config check`: what was looked through and is right.
#[derive(Serialize)]
pub(crate) struct CheckedConfig {
    pub(crate) file: String,
    pub(crate) settings: usize,
}

/// `show`: the cache, what its images were pinned to, what it takes, and what it costs.
#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    cache: Cache,
    images_resolved: Vec<Image>,
    sizes: Option<wire::Sizes>,
    cost: Option<wire::Cost>,
}

impl From<&wire::CacheDetails> for Shown {
    fn from(details: &wire::CacheDetails) -> Self {
        let images = details.pinned.iter().map(Image::from).collect();
        Self {
            cache: (&details.cache).into(),
            images_resolved: images,
            sizes: details.sizes,
            cost: details.cost.clone(),
        }
    }
}

#[derive(Serialize)]
struct Image {
    image: String,
    manifest_digest: String,
    platform: String,
    /// Whether it starts from a merged metadata image, since its layers lean on each other.
    merged: bool,
    layers: Vec<wire::Layer>,
}

impl From<&wire::Image> for Image {
    fn from(image: &wire::Image) -> Self {
        Self {
            image: image.source.to_string(),
            manifest_digest: image.manifest_digest.clone(),
            platform: image.platform.to_string(),
            merged: image.is_merged,
            layers: image.layers.clone(),
        }
    }
}

/// An instance, as `ps`, `run --detach`, `stop` and `rm` have it.
#[derive(Serialize)]
pub(crate) struct Instance {
    id: InstanceId,
    name: InstanceName,
    state: wire::InstanceState,
    /// How it ended; `None` before.
    exit: Option<Exit>,
    image: String,
    manifest_digest: String,
    snapshot: ImageSnapshotId,
    cache: Option<CacheId>,
    command: Vec<String>,
    pid: Option<u32>,
    remove_on_exit: bool,
    created: Timestamp,
    started: Option<Timestamp>,
    finished: Option<Timestamp>,
}

/// One of both, or none where nobody was there to see it.
#[derive(Serialize)]
struct Exit {
    code: Option<u8>,
    signal: Option<u8>,
}

impl From<&wire::Instance> for Instance {
    fn from(one: &wire::Instance) -> Self {
        Self {
            id: one.id,
            name: one.name.clone(),
            state: one.state,
            exit: one.ended.map(|ended| Exit { code: ended.code, signal: ended.signal }),
            image: one.image.to_string(),
            manifest_digest: one.manifest_digest.clone(),
            snapshot: one.snapshot,
            cache: one.cache,
            command: one.command.clone(),
            pid: one.pid,
            remove_on_exit: one.remove_on_exit,
            created: one.created,
            started: one.started,
            finished: one.finished,
        }
    }
}

/// `gc`: what went, or would go, and the room that there is.
#[derive(Serialize)]
pub(crate) struct Collection {
    #[serde(flatten)]
    store: Swept,
    #[serde(skip_serializing_if = "Option::is_none")]
    standard: Option<Swept>,
    snapshots: Vec<ImageSnapshotId>,
    dry_run: bool,
    free_space: ByteSize,
    total_space: ByteSize,
}

/// What went of a store.
#[derive(Serialize)]
struct Swept {
    deleted: Vec<BlobKey>,
    freed: ByteSize,
    kept: u64,
    ended_leases: u64,
    swept: u64,
}

impl From<&wire::Swept> for Swept {
    fn from(swept: &wire::Swept) -> Self {
        Self {
            deleted: swept.deleted.clone(),
            freed: swept.freed_bytes,
            kept: swept.kept,
            ended_leases: swept.ended_leases,
            swept: swept.swept,
        }
    }
}

impl From<&wire::Collection> for Collection {
    fn from(collection: &wire::Collection) -> Self {
        Self {
            store: (&collection.store).into(),
            standard: collection.standard.as_ref().map(Swept::from),
            snapshots: collection.snapshots.clone(),
            dry_run: collection.dry_run,
            free_space: collection.free_bytes,
            total_space: collection.total_bytes,
        }
    }
}

/// `token create`: the token, and what opens, told this once.
#[derive(Serialize)]
pub(crate) struct NewToken<'a> {
    #[serde(flatten)]
    pub(crate) token: &'a wire::Token,
    pub(crate) secret: &'a str,
}

/// `access-key create`: the access key, and its secret, told this once.
#[derive(Serialize)]
pub(crate) struct NewAccessKey<'a> {
    #[serde(flatten)]
    pub(crate) key: &'a wire::AccessKey,
    pub(crate) secret: &'a str,
}

/// `secrets rotate`: how many credentials are sealed with which key now.
#[derive(Serialize)]
pub(crate) struct Rotated {
    pub(crate) file: String,
    pub(crate) key: String,
    pub(crate) resealed: u64,
    pub(crate) keys_in_file: usize,
}

/// `login`.
#[derive(Serialize)]
pub(crate) struct LoggedIn {
    pub(crate) registry: String,
    pub(crate) username: String,
    pub(crate) config: String,
}

/// `logout`.
#[derive(Serialize)]
pub(crate) struct LoggedOut {
    pub(crate) registry: String,
    /// Whether there was something to forget.
    pub(crate) forgotten: bool,
}

/// All of them as documents.
pub(crate) fn all<'a, T: 'a, D: From<&'a T>>(records: impl IntoIterator<Item = &'a T>) -> Vec<D> {
    records.into_iter().map(D::from).collect()
}
