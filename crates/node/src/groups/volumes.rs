//! Volumes of a group on this machine.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use model::ByteSize;

use super::SharedFile;
use crate::mount::{is_mount_point, mount_tmpfs};
use crate::{InstanceError, quota};

/// Everybody in the group writes to what is empty at first, whoever it runs as. Source: Kubernetes' emptyDir.
const FOR_ALL: u32 = 0o777;

/// A directory that is the server's own.
pub(super) fn make_directory(path: &Path) -> Result<(), InstanceError> {
    let made = DirBuilder::new().mode(0o700).recursive(true).create(path);
    made.map_err(|source| InstanceError::Directory { path: path.to_owned(), source })
}

/// A directory that is whole once it has its name.
fn whole(path: &Path, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let partial = path.with_extension("partial");
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir(&partial)?;
    fill(&partial)?;
    fs::rename(&partial, path)?;
    let above = path.parent().unwrap_or(path);
    File::open(above)?.sync_all()
}

/// Whatever the caller's umask is.
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// An empty directory on the disk; a sentence where its limit does not hold.
pub(super) fn empty(path: &Path, limit: Option<ByteSize>) -> io::Result<Option<String>> {
    let mut warning = None;
    whole(path, |path| {
        set_mode(path, FOR_ALL)?;
        if let Some(limit) = limit
            && let Err(error) = quota::limit([path, path], limit)
        {
            warning = Some(format!("a volume may hold more than its limit of {limit}: {error}"));
        }
        Ok(())
    })?;
    Ok(warning)
}

/// An empty directory in memory; whether one was there before and what it held is lost.
pub(super) fn memory(path: &Path, limit: Option<ByteSize>) -> io::Result<bool> {
    if is_mount_point(path)? {
        return Ok(false);
    }
    let was_there = path.exists();
    if !was_there {
        fs::create_dir(path)?;
    }
    mount_tmpfs(path, FOR_ALL, limit)?;
    Ok(was_there)
}

/// A directory of files.
pub(super) fn files(path: &Path, files: &[SharedFile]) -> io::Result<()> {
    whole(path, |path| {
        set_mode(path, 0o755)?;
        files.iter().try_for_each(|file| write(path, file))
    })
}

fn write(volume: &Path, file: &SharedFile) -> io::Result<()> {
    let mut above = volume.to_owned();
    for part in file.path.parent().into_iter().flat_map(Path::components) {
        above.push(part);
        if !above.exists() {
            fs::create_dir(&above)?;
            set_mode(&above, 0o755)?;
        }
    }
    let path = volume.join(&file.path);
    // Readable for nobody else until its mode is said.
    let mut open = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
    open.write_all(&file.content)?;
    open.set_permissions(Permissions::from_mode(file.mode & 0o7777))?;
    open.sync_all()
}

/// Every volume that is there, half made ones too.
pub(super) fn places(volumes: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(volumes) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: &str, mode: u32) -> SharedFile {
        SharedFile { path: path.into(), content: content.as_bytes().to_vec(), mode }
    }

    #[test]
    fn files_have_their_modes_and_come_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let volume = folder.path().join("0");
        // What a killed process left is no part of it.
        fs::create_dir(folder.path().join("0.partial")).unwrap();
        fs::write(folder.path().join("0.partial/left"), "x").unwrap();
        let wanted = [file("app.conf", "a = 1\n", 0o644), file("deep/er/run.sh", "#!/bin/sh\n", 0o755)];
        files(&volume, &wanted).unwrap();
        let mode = |path: &str| fs::metadata(volume.join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(fs::read_to_string(volume.join("app.conf")).unwrap(), "a = 1\n");
        assert_eq!(
            [mode("app.conf"), mode("deep"), mode("deep/er/run.sh"), mode(".")],
            [0o644, 0o755, 0o755, 0o755]
        );
        assert!(!volume.join("left").exists());
        // A second time nothing is written again: a container may have changed it.
        fs::write(volume.join("app.conf"), "changed").unwrap();
        files(&volume, &wanted).unwrap();
        assert_eq!(fs::read_to_string(volume.join("app.conf")).unwrap(), "changed");
        assert_eq!(places(folder.path()).unwrap(), [volume]);
    }

    #[test]
    fn an_empty_directory_is_for_all_and_keeps_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let volume = folder.path().join("0");
        assert_eq!(empty(&volume, None).unwrap(), None);
        assert_eq!(fs::metadata(&volume).unwrap().permissions().mode() & 0o7777, FOR_ALL);
        fs::write(volume.join("kept"), "x").unwrap();
        empty(&volume, None).unwrap();
        assert!(volume.join("kept").exists());
    }
}
