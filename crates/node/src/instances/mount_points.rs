//! What an instance's root must have before a runtime sees it: what is mounted on, and the working directory.
//!
//! Runtimes make devices and links by path below `/dev`. Whatever an image's symlinks have there instead of the instance's
//! own file systems, a volume of the host for example, would be written to and deleted from.

use std::io;
use std::path::{Component, Path};

use model::InstanceId;

use crate::config::{self, BoundFiles};
use crate::inside::{COVERED, Inside, is_covered};
use crate::rootfs::Rootfs;
use crate::{InstanceError, Volume};

/// Refuses a volume for whose place no image is needed to see that it cannot be.
pub(super) fn check_place(place: &Path) -> Result<(), InstanceError> {
    let names = |path: &str| place == Path::new(path);
    let leaves = place.components().any(|part| part == Component::ParentDir);
    if place.is_relative() || leaves || names("/") || names("/dev") || place.starts_with("/proc") {
        return Err(InstanceError::Option {
            option: "volume",
            value: place.display().to_string(),
            expected: "expected an absolute path inside without `..` that is not `/`, `/dev`, or in `/proc`",
        });
    }
    Ok(())
}

/// Where the image has a symlink, a runtime that makes devices or links by path reaches what it leads to on the host. What
/// lies below is covered by the mounts on these.
pub(super) fn check_system_directories(id: InstanceId, root: &Rootfs) -> Result<(), InstanceError> {
    for path in COVERED {
        let plain = root
            .is_plain_directory_or_missing(path)
            .map_err(|source| InstanceError::ReadState { path: path.into(), source })?;
        if !plain {
            return Err(InstanceError::SystemDirectory { id, path });
        }
    }
    Ok(())
}

/// Where the image has dangling symlinks, not every runtime makes what it mounts on. Returns what will be inside.
pub(super) fn make_mount_points<'a>(
    root: &'a Rootfs,
    volumes: &[Volume],
) -> Result<Inside<'a>, InstanceError> {
    for (_, inside) in BoundFiles::ALL {
        let path = Path::new(inside);
        root.make_target(path, false).map_err(failed(path))?;
    }
    let mut inside = Inside::of(root);
    for volume in config::in_order(volumes) {
        let path = &volume.container;
        let point = inside.resolve(path).map_err(failed(path))?;
        if point == Path::new("/") || is_covered(&point) && point != *path {
            return Err(InstanceError::VolumePlace { path: path.clone(), leads_to: point });
        }
        check_kind(&inside, &point, volume).map_err(failed(path))?;
        inside.make_target(&point, volume.host.is_dir()).map_err(failed(path))?;
        inside.mount(volume, point).map_err(failed(path))?;
    }
    Ok(inside)
}

/// mount(2) puts no directory over a file nor the reverse, and runtimes say so at length.
fn check_kind(inside: &Inside<'_>, point: &Path, volume: &Volume) -> io::Result<()> {
    match (volume.host.is_dir(), inside.is_directory(point)?) {
        (true, Some(false)) => Err(io::Error::other("there is a file, and the volume is a directory")),
        (false, Some(true)) => Err(io::Error::other("there is a directory, and the volume is a file")),
        _ => Ok(()),
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> InstanceError {
    let path = path.to_owned();
    move |source| InstanceError::MountPoint { path, source }
}

/// The directory in which the command starts, made where it is missing: in the volume that it lies in, else in the root.
pub(super) fn make_working_dir(root: &Rootfs, inside: &Inside<'_>, path: &str) -> Result<(), InstanceError> {
    let directory = Path::new(path);
    let made = || {
        // What `..` leaves must be there as well.
        if directory.components().any(|part| part == Component::ParentDir) {
            root.make_directories(directory)?;
        }
        inside.make_directories(&inside.resolve(directory)?)
    };
    made().map_err(|source| InstanceError::WorkingDir { path: path.to_owned(), source })
}
