//! Image snapshots: documents that name blobs, and the first of the roots.

use std::collections::BTreeSet;
use std::path::Path;

use model::{BlobKey, ChainId, DiffId, ImageSnapshot, ImageSnapshotId};
use serde::Deserialize;

use super::Inner;
use super::blobs;
use super::files::{self, TempFile};
use crate::store::page_size;
use crate::{Error, Result};

pub(super) fn put(inner: &Inner, snapshot: &ImageSnapshot) -> Result<()> {
    let path = inner.layout.snapshot(snapshot.id);
    if snapshot.version != ImageSnapshot::VERSION {
        let (found, known) = (u64::from(snapshot.version), ImageSnapshot::VERSION);
        return Err(Error::Version { object: "image snapshot", path, found, known });
    }
    let document = files::to_bounded_json("image snapshot", snapshot)?;
    let temp = TempFile::with_bytes(&inner.layout.tmp(), "snapshot", &document)?;
    inner.step("snapshot-written")?;
    let keys = snapshot.blob_keys();
    // Locked against collection from the look at the blobs until the snapshot names them.
    let _lock = inner.lock_exclusive()?;
    for key in &keys {
        if !blobs::is_there(inner, key) {
            return Err(Error::MissingBlob { snapshot: snapshot.id, key: *key });
        }
    }
    match get(inner, snapshot.id)? {
        Some(present) if present == *snapshot => return files::sync_directory(&inner.layout.snapshots()),
        Some(_) => return Err(Error::SnapshotExists(snapshot.id)),
        None => {}
    }
    // A blob that a process committed and died may be visible but not durable yet, and so may the directories that it
    // made for it; the snapshot relies on all of them.
    let mut directories = BTreeSet::new();
    for key in &keys {
        let path = inner.layout.blob(key).directory;
        let ours = path.ancestors().take_while(|above| above.starts_with(inner.layout.root()));
        directories.extend(ours.map(Path::to_owned));
    }
    for directory in &directories {
        files::sync_directory(directory)?;
    }
    temp.rename(&path)?;
    inner.step("snapshot-renamed")?;
    files::sync_directory(&inner.layout.snapshots())?;
    inner.step("snapshot-dir-synced")
}

pub(super) fn get(inner: &Inner, id: ImageSnapshotId) -> Result<Option<ImageSnapshot>> {
    let path = inner.layout.snapshot(id);
    let Some(bytes) = files::read("image snapshot", &path)? else { return Ok(None) };
    let snapshot: ImageSnapshot = files::parse("image snapshot", &path, ImageSnapshot::VERSION, &bytes)?;
    check_id(&path, id, snapshot.id)?;
    Ok(Some(snapshot))
}

fn check_id(path: &Path, expected: ImageSnapshotId, found: ImageSnapshotId) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let why = format!("it says that it is {found}");
    Err(Error::Contradiction { object: "image snapshot", path: path.to_owned(), why })
}

/// Every id, sorted.
pub(super) fn ids(inner: &Inner) -> Result<BTreeSet<ImageSnapshotId>> {
    let names = files::names(&inner.layout.snapshots())?;
    Ok(names.iter().filter_map(|name| name.strip_suffix(".json")?.parse().ok()).collect())
}

pub(super) fn list(
    inner: &Inner,
    after: Option<ImageSnapshotId>,
    limit: usize,
) -> Result<Vec<ImageSnapshotId>> {
    let limit = page_size(limit)?;
    let ids = ids(inner)?.into_iter().filter(|id| after.is_none_or(|after| *id > after));
    Ok(ids.take(limit).collect())
}

pub(super) fn delete(inner: &Inner, id: ImageSnapshotId) -> Result<bool> {
    let _lock = inner.lock_exclusive()?;
    let was_there = files::remove("image snapshot", &inner.layout.snapshot(id))?;
    inner.step("snapshot-deleted")?;
    files::sync_directory(&inner.layout.snapshots())?;
    Ok(was_there)
}

/// Only what collection needs of a snapshot: manifests and configs are skipped, not decoded.
#[derive(Deserialize)]
struct Names {
    id: ImageSnapshotId,
    images: Vec<ImageNames>,
}

#[derive(Deserialize)]
struct ImageNames {
    layers: Vec<LayerName>,
    merged: Option<ChainId>,
}

#[derive(Deserialize)]
struct LayerName {
    diff_id: DiffId,
}

/// The keys that a snapshot names; `None` where it is gone.
pub(super) fn keys(inner: &Inner, id: ImageSnapshotId) -> Result<Option<Vec<BlobKey>>> {
    let path = inner.layout.snapshot(id);
    let Some(bytes) = files::read("image snapshot", &path)? else { return Ok(None) };
    let names: Names = files::parse("image snapshot", &path, ImageSnapshot::VERSION, &bytes)?;
    check_id(&path, id, names.id)?;
    let mut keys = Vec::new();
    for image in names.images {
        keys.extend(image.layers.iter().map(|layer| BlobKey::Layer(layer.diff_id)));
        keys.extend(image.merged.map(BlobKey::Merged));
    }
    Ok(Some(keys))
}
