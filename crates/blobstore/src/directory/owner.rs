//! Making files and folders that belong to whom the folder around them belongs, so that a store that root works in too stays
//! its owner's.
//!
//! The folder around is opened before it is looked at, and what is made is made in that very folder: whoever owns a store
//! cannot have root give away anything elsewhere.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid, chownat, fchown, mkdirat, open, openat};
use rustix::io::Errno;

/// Makes a file that is not there yet, private, for reading and writing.
pub(super) fn create_file(path: &Path) -> io::Result<File> {
    let (folder, name) = around(path)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = File::from(openat(&folder, name, flags, Mode::RUSR | Mode::WUSR)?);
    if let Some((user, group)) = other_owner(&folder, &file)? {
        // Where it cannot be given away, it is as good for us.
        let _ = fchown(&file, Some(user), Some(group));
    }
    Ok(file)
}

/// Opens a file for reading and writing, and makes it as [`create_file`] does where it is not there. A link is refused.
pub(super) fn open_or_create_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    loop {
        match open(path, flags, Mode::empty()) {
            Err(Errno::NOENT) => {}
            opened => return Ok(File::from(opened?)),
        }
        match create_file(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => return created,
        }
    }
}

/// Makes a folder that is not there yet, private.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    let (folder, name) = around(path)?;
    mkdirat(&folder, name, Mode::RWXU)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = File::from(openat(&folder, name, flags, Mode::empty())?);
    if let Some((user, group)) = other_owner(&folder, &made)? {
        let _ = chownat(&made, "", Some(user), Some(group), AtFlags::EMPTY_PATH);
    }
    Ok(())
}

/// The folder around, opened, and the name in it.
fn around(path: &Path) -> io::Result<(File, &Path)> {
    let name = match path.components().next_back() {
        Some(Component::Normal(name)) => Path::new(name),
        _ => return Err(ErrorKind::InvalidInput.into()),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((File::open(folder)?, name))
}

/// Whom the folder belongs to, where what root made in it belongs to root and the folder to another.
fn other_owner(folder: &File, made: &File) -> io::Result<Option<(Uid, Gid)>> {
    let folder = folder.metadata()?;
    let is_to_give = made.metadata()?.uid() == 0 && folder.uid() != 0;
    Ok(is_to_give.then(|| (Uid::from_raw(folder.uid()), Gid::from_raw(folder.gid()))))
}
