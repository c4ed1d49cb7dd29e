//! Mounts of blobs, and everything that a mounted or unpacked tree shows of itself.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use model::{Algorithm, Hasher};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// A mount, taken away when dropped.
pub struct Mounted(pub PathBuf);

impl Mounted {
    /// Mounts an EROFS blob, its devices beside it.
    pub fn erofs(blob: &Path, devices: &[PathBuf], at: &Path) -> Self {
        fs::create_dir_all(at).unwrap();
        let options: Vec<String> =
            devices.iter().map(|device| format!("device={}", device.display())).collect();
        let options = std::ffi::CString::new(options.join(",")).unwrap();
        mount(blob, at, "erofs", MountFlags::RDONLY, options.as_c_str()).unwrap();
        Self(at.to_owned())
    }

    /// Stacks trees by overlayfs, the lowest first.
    pub fn overlay(lowers: &[&Path], at: &Path) -> Self {
        fs::create_dir_all(at).unwrap();
        let lowers: Vec<_> = lowers.iter().rev().map(|lower| lower.display().to_string()).collect();
        let options = std::ffi::CString::new(format!("lowerdir={}", lowers.join(":"))).unwrap();
        mount("overlay", at, "overlay", MountFlags::RDONLY, options.as_c_str()).unwrap();
        Self(at.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        unmount(&self.0, UnmountFlags::DETACH).unwrap();
    }
}

/// What is compared of directories, where tools and file systems rightly differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Directories {
    /// All but the link count, which overlayfs does not compute.
    Whole,
    /// Nor a time where theirs is not from the layers but from the clock, this second or a later one: tools that unpack leave
    /// such times on directories that the layers imply.
    TimesBefore(i64),
}

/// Everything below a folder: path to description.
pub fn dump(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            if metadata.is_dir() {
                pending.push(path.clone());
            }
            let name = path.strip_prefix(root).unwrap().as_os_str().as_bytes().escape_ascii().to_string();
            found.insert(name, describe(&path, &metadata));
        }
    }
    found
}

fn describe(path: &Path, metadata: &fs::Metadata) -> String {
    let kind = metadata.file_type();
    let what = if kind.is_dir() {
        "dir".to_owned()
    } else if kind.is_symlink() {
        format!("->{}", fs::read_link(path).unwrap().as_os_str().as_bytes().escape_ascii())
    } else if kind.is_file() {
        format!("file:{}:{}", metadata.len(), content(path))
    } else if kind.is_fifo() {
        "fifo".to_owned()
    } else {
        let letter = if kind.is_char_device() { 'c' } else { 'b' };
        format!("{letter}:{:#x}", metadata.rdev())
    };
    let links = if kind.is_dir() { 0 } else { metadata.nlink() };
    format!(
        "{what} {:o} {}:{} links={links} {}time={}.{:09}",
        metadata.mode() & 0o7777,
        metadata.uid(),
        metadata.gid(),
        xattrs(path),
        metadata.mtime(),
        metadata.mtime_nsec()
    )
}

fn content(path: &Path) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut file = File::open(path).unwrap();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => return hasher.finish().hex(),
            n => hasher.update(&buffer[..n]),
        }
    }
}

fn xattrs(path: &Path) -> String {
    let mut list = vec![0; 1 << 16];
    let length = rustix::fs::llistxattr(path, &mut list[..]).unwrap();
    let mut names: Vec<&[u8]> = list[..length].split(|b| *b == 0).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    let mut text = String::new();
    for name in names {
        let mut value = vec![0; 1 << 16];
        let length = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap();
        text.push_str(&format!("{}={} ", name.escape_ascii(), value[..length].escape_ascii()));
    }
    text
}

/// Fails with the lines that differ.
pub fn assert_same(
    what: &str,
    ours: &BTreeMap<String, String>,
    theirs: &BTreeMap<String, String>,
    directories: Directories,
) {
    let is_of_the_clock = |line: &str| {
        let seconds = line.rsplit_once("time=").unwrap().1.split('.').next().unwrap().parse::<i64>().unwrap();
        line.starts_with("dir ") && matches!(directories, Directories::TimesBefore(start) if seconds >= start)
    };
    let without_time = |line: &str| line.rsplit_once("time=").unwrap().0.to_owned();
    let mut differences = Vec::new();
    for (path, line) in ours {
        match theirs.get(path) {
            None => differences.push(format!("only ours: {path} {line}")),
            Some(other) if is_of_the_clock(other) && without_time(other) == without_time(line) => {}
            Some(other) if other != line => {
                differences.push(format!("{path}\n  ours   {line}\n  theirs {other}"));
            }
            Some(_) => {}
        }
    }
    differences.extend(
        theirs
            .iter()
            .filter(|(path, _)| !ours.contains_key(*path))
            .map(|(p, l)| format!("only theirs: {p} {l}")),
    );
    let count = differences.len();
    differences.truncate(20);
    assert!(differences.is_empty(), "{what}: {count} differences\n{}", differences.join("\n"));
}
