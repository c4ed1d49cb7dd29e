//! A part of a volume, held by a mount while an instance lives.
//!
//! A container of the group may put a symlink anywhere in the volume, at any moment. So the part is looked up within the
//! volume by the kernel, and what was found is what is mounted: nobody looks at the path again.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::InstanceError;
use crate::layout::InstanceDir;
use crate::mount::{bind_open, is_mount_point, unmount_path};
use crate::rootfs::Rootfs;

/// Mounts that part of the volume below `holders`, and gives the place.
pub(super) fn hold(volume: &Path, sub_path: &Path, holders: &Path, number: usize) -> io::Result<PathBuf> {
    let root = Rootfs::open(volume)?;
    let inside = Path::new("/").join(sub_path);
    if root.is_directory(&inside)?.is_none() {
        root.make_directories(&inside)?;
    }
    let found = root.open_part(&inside)?;
    let kind = found.metadata()?.file_type();
    if !kind.is_dir() && !kind.is_file() {
        return Err(io::Error::other("it is neither a directory nor a plain file"));
    }
    if !holders.exists() {
        fs::create_dir(holders)?;
    }
    let place = holders.join(number.to_string());
    match kind.is_dir() {
        true => fs::create_dir(&place)?,
        false => drop(File::create_new(&place)?),
    }
    bind_open(&found, &place)?;
    Ok(place)
}

/// Takes away what an instance holds of volumes. Until this has been done, its directory must not be removed: the removal would
/// go on in the volume.
pub(crate) fn let_go(dir: &InstanceDir) -> Result<(), InstanceError> {
    let holders = dir.sub_paths();
    let failed = |source| InstanceError::CleanUp { path: holders.clone(), source };
    let entries = match fs::read_dir(&holders) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let place = entry.map_err(failed)?.path();
        unmount_path(&place).map_err(|error| failed(io::Error::other(error)))?;
        if is_mount_point(&place).map_err(failed)? {
            return Err(failed(io::Error::other("something is mounted there still")));
        }
    }
    Ok(())
}
