//! The documents of `--output json`: what programs rely on, whatever the records look like. `docs/json.md` shows each.

mod choice;
#[cfg(test)]
mod page;

pub(crate) use choice::{Matched, Predicted};

use engine::{CacheView, Collected};
use model::{
    BuildFailure, ByteSize, CacheId, CacheName, ImageCache, ImageSnapshot, ImageSnapshotId, InstanceId,
    InstanceName, InstanceState, ManifestDigest, SnapshotImage, SnapshotLayer, Timestamp,
};
use serde::Serialize;

/// A cache, as `list` has it, and as a part of what `create`, `show` and `delete` say.
#[derive(Serialize)]
pub(crate) struct Cache {
    id: CacheId,
    name: CacheName,
    state: &'static str,
    /// Whether its build's process ended in the middle.
    interrupted: bool,
    images: Vec<String>,
    platform: String,
    size_limit: ByteSize,
    unpacked_size: Option<ByteSize>,
    snapshot: Option<ImageSnapshotId>,
    failure: Option<BuildFailure>,
    created: Timestamp,
    updated: Timestamp,
    last_used: Option<Timestamp>,
}

impl Cache {
    fn new(cache: &ImageCache, interrupted: bool) -> Self {
        Self {
            id: cache.id,
            name: cache.name.clone(),
            state: cache.state.as_str(),
            interrupted,
            images: cache.images.iter().map(ToString::to_string).collect(),
            platform: cache.platform.to_string(),
            size_limit: cache.size_limit,
            unpacked_size: cache.unpacked_size,
            snapshot: cache.snapshot,
            failure: cache.failure.clone(),
            created: cache.created,
            updated: cache.updated,
            last_used: cache.last_used,
        }
    }
}

/// A cache that no build was looked for.
impl From<&ImageCache> for Cache {
    fn from(cache: &ImageCache) -> Self {
        Self::new(cache, false)
    }
}

impl From<&CacheView> for Cache {
    fn from(view: &CacheView) -> Self {
        Self::new(&view.cache, view.interrupted)
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

/// `show`: the cache and what its images were pinned to.
#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    cache: Cache,
    images_resolved: Vec<Image>,
}

impl Shown {
    pub(crate) fn new(view: &CacheView, snapshot: Option<&ImageSnapshot>) -> Self {
        let images = snapshot.iter().flat_map(|snapshot| &snapshot.images).map(Image::from).collect();
        Self { cache: view.into(), images_resolved: images }
    }
}

#[derive(Serialize)]
struct Image {
    image: String,
    manifest_digest: ManifestDigest,
    platform: String,
    /// Whether it starts from a merged metadata image, since its layers lean on each other.
    merged: bool,
    layers: Vec<SnapshotLayer>,
}

impl From<&SnapshotImage> for Image {
    fn from(image: &SnapshotImage) -> Self {
        Self {
            image: image.source.to_string(),
            manifest_digest: image.manifest_digest,
            platform: image.platform.to_string(),
            merged: image.merged.is_some(),
            layers: image.layers.clone(),
        }
    }
}

/// An instance, as `ps`, `run --detach`, `stop` and `rm` have it.
#[derive(Serialize)]
pub(crate) struct Instance {
    id: InstanceId,
    name: InstanceName,
    state: &'static str,
    /// How it ended; `None` before.
    exit: Option<Exit>,
    image: String,
    manifest_digest: ManifestDigest,
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
#[derive(Default, Serialize)]
struct Exit {
    code: Option<u8>,
    signal: Option<u8>,
}

impl From<model::ExitStatus> for Exit {
    fn from(status: model::ExitStatus) -> Self {
        match status {
            model::ExitStatus::Code(code) => Self { code: Some(code), signal: None },
            model::ExitStatus::Signal(signal) => Self { code: None, signal: Some(signal) },
            model::ExitStatus::Unknown => Self::default(),
        }
    }
}

impl From<&model::Instance> for Instance {
    fn from(one: &model::Instance) -> Self {
        let (state, exit) = match one.state {
            InstanceState::Creating => ("Creating", None),
            InstanceState::Running => ("Running", None),
            InstanceState::Exited(status) => ("Exited", Some(status.into())),
        };
        Self {
            id: one.id,
            name: one.name.clone(),
            state,
            exit,
            image: one.image.to_string(),
            manifest_digest: one.manifest_digest,
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
pub(crate) struct Collection<'a> {
    #[serde(flatten)]
    pub(crate) collected: &'a Collected,
    pub(crate) free_space: ByteSize,
    pub(crate) total_space: ByteSize,
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
