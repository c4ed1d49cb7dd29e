//! Shared read-only mounts of blobs, one per blob in use, for all instances of all processes on a data directory.
//!
//! Who uses a mount is a directory of links, one per instance, and never a stored number: a process that dies leaves a
//! link whose instance is not alive, which [`BlobMounts::sweep`] tells from the others. After a restart of the machine
//! the mounts are gone and the links are swept in the same way.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use model::{BlobKey, InstanceId};

use crate::layout::{Layout, key_of_ref_name};
use crate::lock::lock_exclusive;
use crate::mount::{Via, is_mount_point, mount_blob, unmount_path};
use crate::{AttachError, ImageBlobs, LocalBlob};

/// The shared mounts of a data directory.
#[derive(Clone, Debug)]
pub(crate) struct BlobMounts {
    layout: Layout,
    via: Via,
}

fn prepare(path: &Path) -> impl FnOnce(io::Error) -> AttachError {
    let path = path.to_owned();
    move |source| AttachError::Prepare { path, source }
}

impl BlobMounts {
    pub(crate) fn new(layout: Layout, via: Via) -> Self {
        Self { layout, via }
    }

    /// Makes the directories.
    pub(crate) fn prepare(&self) -> Result<(), AttachError> {
        let [layers, merged] = self.layout.mount_folders();
        for folder in [layers, merged, self.layout.refs()] {
            fs::create_dir_all(&folder).map_err(prepare(&folder))?;
        }
        Ok(())
    }

    fn lock(&self) -> Result<File, AttachError> {
        let path = self.layout.mounts().join("lock");
        lock_exclusive(&path).map_err(|source| AttachError::Lock { path, source })
    }

    /// Has every blob mounted and held for the instance; the mount points, the lowest first. On failure the instance
    /// holds nothing. The instance's own lock must be held: to others it is alive by that.
    pub(crate) fn attach(&self, id: InstanceId, blobs: &ImageBlobs) -> Result<Vec<PathBuf>, AttachError> {
        let _lock = self.lock()?;
        let mut points = Vec::with_capacity(blobs.lowers.len());
        for blob in &blobs.lowers {
            match self.hold(id, blob) {
                Ok(point) => points.push(point),
                Err(error) => {
                    // The first failure is the one to tell; the sweep gets what cannot be undone now.
                    let _ = blobs.lowers.iter().try_for_each(|blob| self.let_go(id, &blob.key).map(drop));
                    return Err(error);
                }
            }
        }
        Ok(points)
    }

    fn hold(&self, id: InstanceId, blob: &LocalBlob) -> Result<PathBuf, AttachError> {
        let refs = self.layout.refs_of(&blob.key);
        let link = refs.join(id.to_string());
        if let Err(error) = File::create(&link) {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(prepare(&link)(error));
            }
            fs::create_dir(&refs).map_err(prepare(&refs))?;
            File::create(&link).map_err(prepare(&link))?;
        }
        let point = self.layout.mount_point(&blob.key);
        if !is_mount_point(&point).map_err(prepare(&point))? {
            match fs::create_dir(&point) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(prepare(&point)(error));
                }
                _ => mount_blob(&blob.path, &blob.devices, &point, self.via)?,
            }
        }
        Ok(point)
    }

    /// Ends the instance's hold on these blobs, and unmounts those that nobody holds any more.
    pub(crate) fn release<'a>(
        &self,
        id: InstanceId,
        keys: impl IntoIterator<Item = &'a BlobKey>,
    ) -> Result<(), AttachError> {
        let _lock = self.lock()?;
        keys.into_iter().try_for_each(|key| self.let_go(id, key).map(drop))
    }

    /// Whether that was the last hold and the mount went.
    fn let_go(&self, id: InstanceId, key: &BlobKey) -> Result<bool, AttachError> {
        let link = self.layout.refs_of(key).join(id.to_string());
        match fs::remove_file(&link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(prepare(&link)(error)),
            _ => self.unmount_if_unused(key),
        }
    }

    fn unmount_if_unused(&self, key: &BlobKey) -> Result<bool, AttachError> {
        let refs = self.layout.refs_of(key);
        match fs::remove_dir(&refs) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => return Ok(false),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(prepare(&refs)(error)),
            _ => {}
        }
        let point = self.layout.mount_point(key);
        unmount_path(&point)?;
        match fs::remove_dir(&point) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(prepare(&point)(error)),
            gone => Ok(gone.is_ok()),
        }
    }

    /// Drops the holds of instances that are not alive, and every mount that nobody holds. Returns how many mounts
    /// or empty mount points went.
    pub(crate) fn sweep(&self, is_alive: &dyn Fn(InstanceId) -> bool) -> Result<usize, AttachError> {
        let _lock = self.lock()?;
        let mut swept = 0;
        let mut held = BTreeSet::new();
        for key in self.keys()? {
            for link in names(&self.layout.refs_of(&key))? {
                let alive = link.parse::<InstanceId>().is_ok_and(is_alive);
                if !alive {
                    let path = self.layout.refs_of(&key).join(link);
                    fs::remove_file(&path).map_err(prepare(&path))?;
                }
            }
            if self.unmount_if_unused(&key)? {
                swept += 1;
            } else {
                held.insert(self.layout.mount_point(&key));
            }
        }
        for folder in self.layout.mount_folders() {
            for name in names(&folder)? {
                let point = folder.join(name);
                if !held.contains(&point) {
                    unmount_path(&point)?;
                    fs::remove_dir(&point).map_err(prepare(&point))?;
                    swept += 1;
                }
            }
        }
        Ok(swept)
    }

    /// The blobs that somebody holds.
    pub(crate) fn keys(&self) -> Result<Vec<BlobKey>, AttachError> {
        Ok(names(&self.layout.refs())?.iter().filter_map(|name| key_of_ref_name(name)).collect())
    }
}

/// The names in a directory; none where it is missing. What is not UTF-8 is none of ours.
fn names(folder: &Path) -> Result<Vec<String>, AttachError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(prepare(folder))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(prepare(folder))?;
        names.extend(entry.file_name().into_string().ok());
    }
    Ok(names)
}
