//! Mounts that are tried for real.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Check;
use crate::mount::{Lowers, Overlay, Via, mount_blob, mount_overlay, unmount_path};
use crate::{AttachError, require_root};

/// The smallest EROFS image there is: one block with the superblock and an empty root directory.
///
/// Source: the kernel's fs/erofs/erofs_fs.h.
fn tiny_blob() -> Vec<u8> {
    const BLOCK: usize = 4096;
    const SUPERBLOCK: usize = 1024;
    // Inodes are counted in slots of 32 bytes from `meta_blkaddr`.
    const ROOT_SLOT: u16 = 36;
    let mut image = vec![0_u8; 2 * BLOCK];
    let mut put = |offset: usize, bytes: &[u8]| image[offset..offset + bytes.len()].copy_from_slice(bytes);
    put(SUPERBLOCK, &0xE0F5_E1E2_u32.to_le_bytes());
    put(SUPERBLOCK + 12, &[12]);
    put(SUPERBLOCK + 14, &ROOT_SLOT.to_le_bytes());
    put(SUPERBLOCK + 16, &1_u64.to_le_bytes());
    put(SUPERBLOCK + 36, &2_u32.to_le_bytes());
    // A compact inode, its data inline behind it: mode, links, size.
    let inode = usize::from(ROOT_SLOT) * 32;
    let names = directory();
    let length = u32::try_from(names.len()).expect("a directory of two names");
    put(inode, &(2_u16 << 1).to_le_bytes());
    put(inode + 4, &0o040_755_u16.to_le_bytes());
    put(inode + 6, &2_u16.to_le_bytes());
    put(inode + 8, &length.to_le_bytes());
    put(inode + 32, &names);
    image
}

/// `.` and `..`, twelve bytes each, then the names.
fn directory() -> Vec<u8> {
    const ROOT: u64 = 36;
    const DIRECTORY: u8 = 2;
    let mut bytes = Vec::new();
    for name_at in [24_u16, 25] {
        bytes.extend(ROOT.to_le_bytes());
        bytes.extend(name_at.to_le_bytes());
        bytes.extend([DIRECTORY, 0]);
    }
    bytes.extend(b"...");
    bytes
}

/// A directory for trying, removed when dropped.
struct Trial(PathBuf);

impl Trial {
    fn below(data_dir: &Path) -> io::Result<Self> {
        let there = data_dir.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/"));
        let path = there.join(format!(".imc-doctor-{}", std::process::id()));
        fs::create_dir(&path)?;
        for name in ["mount", "upper", "work", "merged"] {
            fs::create_dir(path.join(name))?;
        }
        fs::write(path.join("blob"), tiny_blob())?;
        Ok(Self(path))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn blob(&self, via: Via) -> Result<(), AttachError> {
        mount_blob(&self.at("blob"), &[], &self.at("mount"), via)?;
        unmount_path(&self.at("mount"))
    }

    fn overlay(&self, how: Lowers) -> Result<(), AttachError> {
        mount_blob(&self.at("blob"), &[], &self.at("mount"), Via::Best)?;
        let overlay = Overlay {
            lowers: &[self.at("mount")],
            upper: &self.at("upper"),
            work: &self.at("work"),
            nodev: true,
        };
        let mounted = mount_overlay(&overlay, &self.at("merged"), how);
        let overlay_gone = unmount_path(&self.at("merged"));
        let blob_gone = unmount_path(&self.at("mount"));
        mounted.and(overlay_gone).and(blob_gone)
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        // What a failed trial left mounted would make the removal reach into it: then it stays.
        if unmount_path(&self.at("merged")).is_ok() && unmount_path(&self.at("mount")).is_ok() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", chain(source)))
}

pub(super) fn checks(data_dir: &Path) -> Vec<Check> {
    if require_root("try mounts").is_err() {
        return vec![Check::warn("mounts", "not tried", "mounting needs root: run `sudo imc doctor`")];
    }
    let trial = match Trial::below(data_dir) {
        Ok(trial) => trial,
        Err(error) => {
            let found = format!("nothing can be written at {}", data_dir.display());
            return vec![Check::fail("mounts", found, format!("choose another data directory ({error})"))];
        }
    };
    vec![file_mount(&trial), loop_device(&trial), overlay(&trial)]
}

fn file_mount(trial: &Trial) -> Check {
    const NAME: &str = "erofs-file-mount";
    match trial.blob(Via::File) {
        Ok(()) => Check::ok(NAME, "EROFS mounts from a plain file"),
        Err(error) if trial.blob(Via::Loop).is_ok() => Check::warn(
            NAME,
            chain(&error),
            "loop devices are used instead; Linux 6.12 mounts files themselves",
        ),
        Err(error) => Check::fail(
            NAME,
            chain(&error),
            "no instance can start: the kernel needs EROFS (CONFIG_EROFS_FS; try `modprobe erofs`)",
        ),
    }
}

fn loop_device(trial: &Trial) -> Check {
    const NAME: &str = "loop-device";
    match trial.blob(Via::Loop) {
        Ok(()) => Check::ok(NAME, "EROFS mounts from a loop device"),
        Err(error) => {
            Check::warn(NAME, chain(&error), "only needed where the kernel does not mount files themselves")
        }
    }
}

fn overlay(trial: &Trial) -> Check {
    const NAME: &str = "overlayfs";
    match (trial.overlay(Lowers::OneByOne), trial.overlay(Lowers::OneString)) {
        (Ok(()), _) => Check::ok(NAME, "with `lowerdir+`, up to 500 layers"),
        (Err(error), Ok(())) => {
            Check::warn(NAME, chain(&error), "images are limited to about 250 layers before Linux 6.5")
        }
        (Err(error), Err(_)) => Check::fail(
            NAME,
            chain(&error),
            "no instance can start: the kernel needs overlayfs, and the data directory a file system that it takes as upper",
        ),
    }
}
