//! The only place that calls mount(2) and its kin.
//!
//! A blob is mounted from its plain file (kernel 6.12 and later); where the kernel refuses that, from a read-only loop
//! device that goes by itself with the mount.

mod loop_device;
mod program;

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use model::ByteSize;
use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, UnmountFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, mount, mount_bind, move_mount, unmount,
};

use crate::AttachError;
use loop_device::LoopDevice;
pub(crate) use program::ReadOnlyProgram;

/// Most lowers that overlayfs stacks. Source: the kernel's fs/overlayfs/params.c, `OVL_MAX_STACK`.
pub(crate) const MOST_LOWERS: usize = 500;

/// Longest string that fsconfig takes. Source: the kernel's fs/fsopen.c, 256 with the closing zero.
const LONGEST_VALUE: usize = 255;

/// How blobs become mounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Via {
    /// From the file itself where the kernel can, else from a loop device.
    #[default]
    Best,
    /// From the file or not at all: for finding out what the kernel can.
    File,
    /// From a loop device: what kernels before 6.12 need.
    Loop,
}

/// How an overlay's lowers are told to the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lowers {
    /// One by one where the kernel can (6.5 and later), else in one string.
    #[default]
    Best,
    /// One by one or not at all: for finding out what the kernel can.
    OneByOne,
    /// In one string of mount options, which must fit a page.
    OneString,
}

/// Mounts an EROFS blob read-only. No device node and no setuid bit in it counts on this mount; the overlay above has
/// its own rules.
pub(crate) fn mount_blob(
    file: &Path,
    devices: &[PathBuf],
    target: &Path,
    via: Via,
) -> Result<(), AttachError> {
    if via != Via::Loop {
        match mount_erofs(file, devices, target) {
            // Without file-backed mounts the kernel wants a block device.
            Err((Errno::NOTBLK, _)) if via == Via::Best => {}
            Err((errno, kernel)) => return Err(mount_blob_error(file, kernel, errno)),
            Ok(()) => return Ok(()),
        }
    }
    let lent = |path: &Path| {
        LoopDevice::over(path).map_err(|source| AttachError::LoopDevice { path: path.to_owned(), source })
    };
    // Held until the mount is made: a loop device with nobody on it goes at once.
    let source = lent(file)?;
    let extra: Vec<LoopDevice> = devices.iter().map(|path| lent(path)).collect::<Result<_, _>>()?;
    let extra: Vec<PathBuf> = extra.iter().map(|device| device.path().to_owned()).collect();
    mount_erofs(source.path(), &extra, target)
        .map_err(|(errno, kernel)| mount_blob_error(file, kernel, errno))
}

fn mount_blob_error(file: &Path, kernel: String, errno: Errno) -> AttachError {
    if errno == Errno::NOENT {
        return AttachError::OpenBlob { path: file.to_owned(), source: errno.into() };
    }
    AttachError::MountBlob { path: file.to_owned(), kernel, source: errno.into() }
}

/// Source: the kernel's Documentation/filesystems/erofs.rst: `source` and `device=` take files as well as devices.
fn mount_erofs(source: &Path, devices: &[PathBuf], target: &Path) -> Result<(), (Errno, String)> {
    let context = fsopen("erofs", FsOpenFlags::FSOPEN_CLOEXEC).map_err(|errno| (errno, String::new()))?;
    let build = || -> Result<OwnedFd, Errno> {
        let mut short = ShortPaths::default();
        fsconfig_set_string(&context, "source", short.of(source)?)?;
        for device in devices {
            fsconfig_set_string(&context, "device", short.of(device)?)?;
        }
        fsconfig_set_flag(&context, "ro")?;
        fsconfig_create(&context)?;
        let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOSUID;
        fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
    };
    let made = build().map_err(|errno| (errno, kernel_log(&context)))?;
    place(&made, target).map_err(|errno| (errno, String::new()))
}

/// An overlay to mount.
pub(crate) struct Overlay<'a> {
    /// The lowest first.
    pub(crate) lowers: &'a [PathBuf],
    /// The writable layer.
    pub(crate) upper: &'a Path,
    /// Overlayfs's own directory beside it.
    pub(crate) work: &'a Path,
    /// Whether device nodes in it are dead.
    pub(crate) nodev: bool,
}

/// Mounts an overlay.
pub(crate) fn mount_overlay(overlay: &Overlay<'_>, target: &Path, how: Lowers) -> Result<(), AttachError> {
    if overlay.lowers.len() > MOST_LOWERS {
        return Err(AttachError::TooManyLowers(overlay.lowers.len(), MOST_LOWERS));
    }
    let failed = |(errno, kernel): (Errno, String)| AttachError::MountOverlay {
        path: target.to_owned(),
        kernel,
        source: errno.into(),
    };
    if how != Lowers::OneString {
        match overlay_one_by_one(overlay, target) {
            Err(OverlayRefusal::NoSuchOption) if how == Lowers::Best => {}
            Err(OverlayRefusal::NoSuchOption) => return Err(failed((Errno::INVAL, String::new()))),
            // Before 6.5 overlayfs takes any option at first and refuses it only when the mount is made.
            Err(OverlayRefusal::Other(Errno::INVAL, kernel)) if how == Lowers::Best => {
                return overlay_in_one_string(overlay, target).map_err(|_| failed((Errno::INVAL, kernel)));
            }
            Err(OverlayRefusal::Other(errno, kernel)) => return Err(failed((errno, kernel))),
            Ok(()) => return Ok(()),
        }
    }
    overlay_in_one_string(overlay, target).map_err(|errno| failed((errno, String::new())))
}

enum OverlayRefusal {
    NoSuchOption,
    Other(Errno, String),
}

fn overlay_one_by_one(overlay: &Overlay<'_>, target: &Path) -> Result<(), OverlayRefusal> {
    let plain = |errno| OverlayRefusal::Other(errno, String::new());
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(plain)?;
    let mut short = ShortPaths::default();
    for (index, lower) in overlay.lowers.iter().rev().enumerate() {
        let path = short.of(lower).map_err(plain)?;
        match fsconfig_set_string(&context, "lowerdir+", path) {
            // The first one tells whether the kernel knows the option at all.
            Err(Errno::INVAL) if index == 0 => return Err(OverlayRefusal::NoSuchOption),
            other => other.map_err(|errno| OverlayRefusal::Other(errno, kernel_log(&context)))?,
        }
    }
    let build = |short: &mut ShortPaths| -> Result<OwnedFd, Errno> {
        fsconfig_set_string(&context, "upperdir", short.of(overlay.upper)?)?;
        fsconfig_set_string(&context, "workdir", short.of(overlay.work)?)?;
        fsconfig_set_string(&context, "source", "imc")?;
        fsconfig_create(&context)?;
        let attributes =
            if overlay.nodev { MountAttrFlags::MOUNT_ATTR_NODEV } else { MountAttrFlags::empty() };
        fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
    };
    let made = build(&mut short).map_err(|errno| OverlayRefusal::Other(errno, kernel_log(&context)))?;
    place(&made, target).map_err(plain)
}

/// Every path as a short name of an open directory, so that 250 of them fit a page whatever the data directory is called.
fn overlay_in_one_string(overlay: &Overlay<'_>, target: &Path) -> Result<(), Errno> {
    let mut short = ShortPaths { always: true, ..ShortPaths::default() };
    let mut options = OsString::from("lowerdir=");
    for (index, lower) in overlay.lowers.iter().rev().enumerate() {
        if index > 0 {
            options.push(":");
        }
        options.push(short.of(lower)?);
    }
    options.push(",upperdir=");
    options.push(short.of(overlay.upper)?);
    options.push(",workdir=");
    options.push(short.of(overlay.work)?);
    let flags = if overlay.nodev { MountFlags::NODEV } else { MountFlags::empty() };
    let options = std::ffi::CString::new(options.as_bytes()).map_err(|_| Errno::INVAL)?;
    mount("imc", target, "overlay", flags, Some(options.as_c_str()))
}

/// Shows what is at `source` at `target` as well.
pub(crate) fn bind(source: &Path, target: &Path) -> Result<(), Errno> {
    mount_bind(source, target)
}

/// Shows what is open at `target` as well, whatever its path is by now.
pub(crate) fn bind_open(open: &File, target: &Path) -> Result<(), Errno> {
    mount_bind(PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd())), target)
}

/// Mounts an empty file system in memory.
pub(crate) fn mount_tmpfs(target: &Path, mode: u32, limit: Option<ByteSize>) -> Result<(), Errno> {
    let size = limit.map_or_else(String::new, |limit| format!(",size={}", limit.as_u64().max(4096)));
    let options = std::ffi::CString::new(format!("mode={mode:o}{size}")).map_err(|_| Errno::INVAL)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("imc", target, "tmpfs", flags, Some(options.as_c_str()))
}

fn place(made: &OwnedFd, target: &Path) -> Result<(), Errno> {
    move_mount(made, "", CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}

/// Takes a mount away: at once where nobody looks, else as soon as the last one leaves. Done where nothing is mounted.
pub(crate) fn unmount_path(target: &Path) -> Result<(), AttachError> {
    let failed = |errno: Errno| AttachError::Unmount { path: target.to_owned(), source: errno.into() };
    match unmount(target, UnmountFlags::NOFOLLOW) {
        Ok(()) | Err(Errno::INVAL | Errno::NOENT) => Ok(()),
        Err(Errno::BUSY) => unmount(target, UnmountFlags::NOFOLLOW | UnmountFlags::DETACH).map_err(failed),
        Err(errno) => Err(failed(errno)),
    }
}

/// Whether something is mounted right there.
pub(crate) fn is_mount_point(path: &Path) -> io::Result<bool> {
    match rustix::fs::statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty()) {
        Ok(found) => Ok(found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// What the kernel says about the failed mount: it queues messages on the context.
fn kernel_log(context: &OwnedFd) -> String {
    let mut lines = Vec::new();
    let mut buffer = [0_u8; 512];
    // The kernel keeps eight messages at most.
    for _ in 0..8 {
        match rustix::io::read(context.as_fd(), &mut buffer) {
            Ok(length) if length > 0 => {
                let text = String::from_utf8_lossy(&buffer[..length]);
                lines.push(text.trim().trim_start_matches(['e', 'w', 'i']).trim().to_owned());
            }
            _ => break,
        }
    }
    lines.join("; ")
}

/// Paths that the kernel takes in a limited string: the long ones by way of an open descriptor.
#[derive(Default)]
struct ShortPaths {
    always: bool,
    open: Vec<File>,
}

impl ShortPaths {
    fn of(&mut self, path: &Path) -> Result<PathBuf, Errno> {
        // Colons and commas separate in the options of overlayfs.
        let plain = !path.as_os_str().as_bytes().iter().any(|byte| matches!(byte, b':' | b',' | b'\\'));
        if !self.always && plain && path.as_os_str().len() <= LONGEST_VALUE {
            return Ok(path.to_owned());
        }
        let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC;
        let open = File::from(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?);
        let name = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd()));
        self.open.push(open);
        Ok(name)
    }
}

#[cfg(test)]
mod tests;
