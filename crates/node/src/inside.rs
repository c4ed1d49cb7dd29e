//! Paths as an instance's processes will see them: its root with the volumes mounted over it.
//!
//! Nothing is mounted yet, so symlinks are followed here, one component after the other, each in the tree that it will lie
//! in: those of the image and those that somebody left in a volume.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;

use crate::Volume;
use crate::rootfs::{MOST_LINKS, Rootfs};

/// Where the kernel's own file systems are mounted.
pub(crate) const COVERED: [&str; 3] = ["/proc", "/dev", "/sys"];

/// Whether a path is one of [`COVERED`] or below it.
pub(crate) fn is_covered(path: &Path) -> bool {
    COVERED.iter().any(|covered| path.starts_with(covered))
}

/// The inside of an instance that is being prepared.
pub(crate) struct Inside<'a> {
    root: &'a Rootfs,
    mounted: Vec<Mounted>,
}

struct Mounted {
    /// Without symlinks.
    point: PathBuf,
    /// `None` for a file.
    tree: Option<Rootfs>,
    read_only: bool,
}

impl<'a> Inside<'a> {
    pub(crate) fn of(root: &'a Rootfs) -> Self {
        Self { root, mounted: Vec::new() }
    }

    /// From now on the volume is at `point`, a resolved path.
    pub(crate) fn mount(&mut self, volume: &Volume, point: PathBuf) -> io::Result<()> {
        let tree = volume.host.is_dir().then(|| Rootfs::open(&volume.host)).transpose()?;
        self.mounted.push(Mounted { point, tree, read_only: volume.read_only });
        Ok(())
    }

    /// The path without its symlinks; what is missing is taken as it is written.
    pub(crate) fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let mut so_far = PathBuf::from("/");
        let mut links = 0;
        let mut waiting = reversed(path);
        while let Some(part) = waiting.pop() {
            match Path::new(&part).components().next() {
                Some(Component::RootDir) => so_far = PathBuf::from("/"),
                Some(Component::ParentDir) => drop(so_far.pop()),
                Some(Component::Normal(name)) => {
                    let next = so_far.join(name);
                    match self.link_at(&next)? {
                        None => so_far = next,
                        Some(_) if links == MOST_LINKS => return Err(Errno::LOOP.into()),
                        Some(target) => {
                            links += 1;
                            waiting.extend(reversed(&target));
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(so_far)
    }

    fn link_at(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        match self.volume_at(path) {
            Some((Mounted { tree: Some(tree), .. }, inner)) => tree.link_at(&inner),
            Some(_) => Ok(None),
            // What the image has there nobody will see.
            None if is_covered(path) => Ok(None),
            None => self.root.link_at(path),
        }
    }

    /// The volume that a resolved path lies in, and the path inside of that one.
    fn volume_at(&self, path: &Path) -> Option<(&Mounted, PathBuf)> {
        // Of two at the same point the later one covers the earlier.
        let mut latest_first = self.mounted.iter().rev();
        latest_first.find_map(|mounted| {
            let inner = path.strip_prefix(&mounted.point).ok()?;
            Some((mounted, Path::new("/").join(inner)))
        })
    }

    /// Whether there will be a directory at a resolved path; `None` where there is nothing, or only what the kernel has.
    pub(crate) fn is_directory(&self, path: &Path) -> io::Result<Option<bool>> {
        match self.volume_at(path) {
            Some((Mounted { tree: Some(tree), .. }, inner)) => tree.is_directory(&inner),
            Some((_, inner)) => Ok((inner == Path::new("/")).then_some(false)),
            None if is_covered(path) => Ok(None),
            None => self.root.is_directory(path),
        }
    }

    /// Makes what something is to be mounted on at a resolved path. In a volume and in the kernel's file systems that is
    /// left to the runtime: they are not mounted yet.
    pub(crate) fn make_target(&self, path: &Path, is_directory: bool) -> io::Result<()> {
        if is_covered(path) || self.volume_at(path).is_some() {
            return Ok(());
        }
        self.root.make_target(path, is_directory)
    }

    /// Makes a directory at a resolved path, and those above it, in the tree that it lies in.
    pub(crate) fn make_directories(&self, path: &Path) -> io::Result<()> {
        let Some((mounted, inner)) = self.volume_at(path) else { return self.root.make_directories(path) };
        let tree = mounted.tree.as_ref().ok_or(Errno::NOTDIR)?;
        match tree.is_directory(&inner)? {
            Some(true) => Ok(()),
            Some(false) => Err(Errno::NOTDIR.into()),
            None if mounted.read_only => Err(Errno::ROFS.into()),
            None => tree.make_directories(&inner),
        }
    }
}

fn reversed(path: &Path) -> Vec<OsString> {
    let mut parts: Vec<OsString> =
        path.components().map(|component| component.as_os_str().to_owned()).collect();
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_in_the_tree_that_they_will_lie_in() {
        let folder = tempfile::tempdir().unwrap();
        let (image, host) = (folder.path().join("image"), folder.path().join("host"));
        fs::create_dir_all(image.join("srv/app")).unwrap();
        fs::create_dir_all(host.join("inner")).unwrap();
        for (target, link) in [
            ("/srv/app", "app"),
            ("../../../srv", "up"),
            ("/dev", "device"),
            ("/proc/../dev/x", "around"),
            ("nowhere/below", "dangling"),
            ("loop", "loop"),
        ] {
            symlink(target, image.join(link)).unwrap();
        }
        symlink("/app/inner", host.join("back")).unwrap();
        symlink("/", host.join("root")).unwrap();
        let root = Rootfs::open(&image).unwrap();
        let mut inside = Inside::of(&root);
        let resolve =
            |inside: &Inside<'_>, path: &str| inside.resolve(Path::new(path)).map_err(|error| error.kind());
        for (path, found) in [
            ("/app/x", "/srv/app/x"),
            ("/up/./app", "/srv/app"),
            ("/device/y", "/dev/y"),
            ("/around", "/dev/x"),
            ("/dangling/z", "/nowhere/below/z"),
            ("/absent/../app", "/srv/app"),
            ("/", "/"),
        ] {
            assert_eq!(resolve(&inside, path), Ok(PathBuf::from(found)), "{path}");
        }
        assert!(resolve(&inside, "/loop").is_err());
        let volume: Volume = format!("{}:/app:ro", host.display()).parse().unwrap();
        inside.mount(&volume, PathBuf::from("/srv/app")).unwrap();
        for (path, found) in [("/app/back/x", "/srv/app/inner/x"), ("/srv/app/root/device", "/dev")] {
            assert_eq!(resolve(&inside, path), Ok(PathBuf::from(found)), "{path}");
        }
        assert_eq!(inside.is_directory(Path::new("/srv/app/inner")).unwrap(), Some(true));
        inside.make_directories(Path::new("/srv/app/inner")).unwrap();
        let error = inside.make_directories(Path::new("/srv/app/new")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ReadOnlyFilesystem);
        inside.make_directories(Path::new("/srv/beside")).unwrap();
        assert!(image.join("srv/beside").is_dir() && !host.join("new").exists());
    }
}
