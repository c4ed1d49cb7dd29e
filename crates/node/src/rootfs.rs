//! Files inside an instance's root, without ever leaving it: its symlinks are the image's to choose.
//!
//! Every path is resolved by openat2(2) with `RESOLVE_IN_ROOT`, as the container itself would resolve it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, StatVfsMountFlags, chmodat, fstatvfs, mkdirat,
    openat2, readlinkat, statx,
};
use rustix::io::Errno;

use crate::account::Account;

/// A rename racing with a look-up makes the kernel ask to try again; that often, and somebody is playing.
const ATTEMPTS: usize = 32;
/// Source: the kernel's `MAXSYMLINKS`.
pub(crate) const MOST_LINKS: usize = 40;

/// The root directory of an instance.
#[derive(Debug)]
pub(crate) struct Rootfs(OwnedFd);

/// What a command turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// A file that can be run.
    Executable,
    /// There, and cannot be run.
    NotExecutable,
    /// Nowhere.
    Missing,
}

impl Rootfs {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::openat(CWD, path, flags, Mode::empty())?))
    }

    fn resolve(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let mut answer = Err(Errno::AGAIN);
        for _ in 0..ATTEMPTS {
            answer = openat2(&self.0, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve);
            if !matches!(answer, Err(Errno::AGAIN | Errno::INTR)) {
                break;
            }
        }
        answer
    }

    /// The bytes of a plain file; `None` where it is missing or anything but a plain file, and an error where it is
    /// longer than `most`.
    pub(crate) fn read(&self, path: &str, most: u64) -> io::Result<Option<Vec<u8>>> {
        // Not blocking, since the image may have put a fifo there.
        let open = match self.resolve(Path::new(path), OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO) => return Ok(None),
            other => File::from(other?),
        };
        if !open.metadata()?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        open.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(io::Error::other(format!("it is longer than {most} bytes")));
        }
        Ok(Some(bytes))
    }

    /// Whether nothing is at the path, or a directory that no symlink leads to.
    pub(crate) fn is_plain_directory_or_missing(&self, path: &str) -> io::Result<bool> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
        match openat2(&self.0, path, flags, Mode::empty(), resolve) {
            Ok(_) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::LOOP | Errno::NOTDIR) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// The file or directory at the path, to be named by what is open and not by its path.
    pub(crate) fn open_part(&self, path: &Path) -> io::Result<File> {
        Ok(File::from(self.resolve(path, OFlags::PATH)?))
    }

    /// What the symlink at the path says; `None` where there is none.
    pub(crate) fn link_at(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        let open = match self.resolve(path, OFlags::PATH | OFlags::NOFOLLOW) {
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            other => other?,
        };
        match readlinkat(&open, "", Vec::new()) {
            Ok(target) => Ok(Some(PathBuf::from(OsStr::from_bytes(target.as_bytes())))),
            Err(Errno::NOENT | Errno::INVAL) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Whether a directory is at the path; `None` where nothing is.
    pub(crate) fn is_directory(&self, path: &Path) -> io::Result<Option<bool>> {
        match self.resolve(path, OFlags::PATH) {
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            other => Ok(Some(File::from(other?).metadata()?.is_dir())),
        }
    }

    /// Makes a directory and those above it where they are missing, owned by root with mode 0755 as Docker does.
    pub(crate) fn make_directories(&self, path: &Path) -> io::Result<()> {
        let directory = OFlags::PATH | OFlags::DIRECTORY;
        if self.resolve(path, directory).is_ok() {
            return Ok(());
        }
        let mut so_far = PathBuf::from("/");
        let mut parent = self.resolve(&so_far, directory)?;
        for component in path.components() {
            so_far.push(component);
            match self.resolve(&so_far, directory) {
                Err(Errno::NOENT) => {
                    let Component::Normal(name) = component else { return Err(Errno::NOENT.into()) };
                    make_directory(&parent, name)?;
                    parent = self.resolve(&so_far, directory)?;
                }
                other => parent = other?,
            }
        }
        Ok(())
    }

    /// Makes an empty file, or a directory, to mount something on, where nothing is. A dangling symlink stays, and what it
    /// means inside of the root is made, as images of systemd need it for `/etc/resolv.conf`.
    pub(crate) fn make_target(&self, path: &Path, is_directory: bool) -> io::Result<()> {
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            if self.resolve(&path, OFlags::PATH).is_ok() {
                return Ok(());
            }
            let (above, name) = path.parent().zip(path.file_name()).ok_or(Errno::INVAL)?;
            self.make_directories(above)?;
            let parent = self.resolve(above, OFlags::PATH | OFlags::DIRECTORY)?;
            match readlinkat(&parent, name, Vec::new()) {
                // An absolute one replaces all; `..` is resolved inside of the root, next time.
                Ok(target) => path = above.join(OsStr::from_bytes(target.as_bytes())),
                Err(Errno::NOENT) if is_directory => return Ok(make_directory(&parent, name)?),
                Err(Errno::NOENT) => return Ok(make_file(&parent, name)?),
                Err(errno) => return Err(errno.into()),
            }
        }
        Err(Errno::LOOP.into())
    }

    /// Looks a command up as execvp(3) would for `who`, with `path` as PATH and from `directory`.
    pub(crate) fn look_up(
        &self,
        command: &str,
        path: &str,
        directory: &str,
        who: &Account,
    ) -> io::Result<Command> {
        if command.contains('/') {
            return self.kind_of(&Path::new(directory).join(command), who);
        }
        let mut found = Command::Missing;
        for folder in path.split(':') {
            match self.kind_of(&Path::new(directory).join(folder).join(command), who)? {
                Command::Executable => return Ok(Command::Executable),
                Command::NotExecutable => found = Command::NotExecutable,
                Command::Missing => {}
            }
        }
        Ok(found)
    }

    fn kind_of(&self, path: &Path, who: &Account) -> io::Result<Command> {
        let open = match self.resolve(path, OFlags::PATH) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG | Errno::ACCESS) => {
                return Ok(Command::Missing);
            }
            other => other?,
        };
        let found = statx(&open, "", AtFlags::EMPTY_PATH, rustix::fs::StatxFlags::BASIC_STATS)?;
        let mode = u32::from(found.stx_mode);
        let allows = !fstatvfs(&open)?.f_flag.contains(StatVfsMountFlags::NOEXEC);
        let for_who = match who {
            Account { uid: 0, .. } => 0o111,
            Account { uid, .. } if *uid == found.stx_uid => 0o100,
            Account { gid, groups, .. } if *gid == found.stx_gid || groups.contains(&found.stx_gid) => 0o010,
            _ => 0o001,
        };
        let runs = allows && FileType::from_raw_mode(mode) == FileType::RegularFile && mode & for_who != 0;
        Ok(if runs { Command::Executable } else { Command::NotExecutable })
    }
}

/// The mode is set afterwards as well: the caller's umask is no business of the container's.
fn make_directory(parent: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    let mode = Mode::from_raw_mode(0o755);
    mkdirat(parent, name, mode)?;
    chmodat(parent, name, mode, AtFlags::empty())
}

fn make_file(parent: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    let mode = Mode::from_raw_mode(0o644);
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(parent, name, flags, mode)?;
    rustix::fs::fchmod(&file, mode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn tree() -> (tempfile::TempDir, Rootfs) {
        let folder = tempfile::tempdir().unwrap();
        let root = Rootfs::open(folder.path()).unwrap();
        std::fs::create_dir_all(folder.path().join("etc")).unwrap();
        (folder, root)
    }

    #[test]
    fn a_symlink_out_of_the_root_stays_in_it() {
        let (folder, root) = tree();
        symlink("../../../../etc/hostname-of-host", folder.path().join("etc/up")).unwrap();
        symlink("/etc/inside", folder.path().join("etc/absolute")).unwrap();
        std::fs::write(folder.path().join("etc/inside"), "inside").unwrap();
        assert_eq!(root.read("/etc/absolute", 100).unwrap().as_deref(), Some(b"inside".as_slice()));
        assert_eq!(root.read("/../../etc/inside", 100).unwrap().as_deref(), Some(b"inside".as_slice()));
        assert_eq!(root.read("/etc/up", 100).unwrap(), None);
    }

    #[test]
    fn a_fifo_a_directory_and_a_loop_are_no_files_and_a_long_file_is_an_error() {
        let (folder, root) = tree();
        rustix::fs::mkfifoat(CWD, folder.path().join("etc/fifo"), Mode::from_raw_mode(0o644)).unwrap();
        symlink("loop", folder.path().join("etc/loop")).unwrap();
        std::fs::write(folder.path().join("etc/long"), [b'x'; 101]).unwrap();
        for name in ["/etc/fifo", "/etc", "/etc/loop", "/nothing", "/etc/long/below"] {
            assert_eq!(root.read(name, 100).unwrap(), None, "{name}");
        }
        assert!(root.read("/etc/long", 100).is_err());
    }

    #[test]
    fn a_plain_directory_is_told_from_what_leads_to_one() {
        let (folder, root) = tree();
        symlink("etc", folder.path().join("link")).unwrap();
        symlink("nowhere", folder.path().join("dangling")).unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        for (path, plain) in
            [("/etc", true), ("/missing", true), ("/link", false), ("/dangling", false), ("/file", false)]
        {
            assert_eq!(root.is_plain_directory_or_missing(path).unwrap(), plain, "{path}");
        }
    }

    #[test]
    fn directories_are_made_inside_whatever_the_links_say() {
        let (folder, root) = tree();
        let outside = tempfile::tempdir().unwrap();
        symlink(outside.path(), folder.path().join("escape")).unwrap();
        assert!(root.make_directories(Path::new("/escape/work")).is_err());
        assert!(std::fs::read_dir(outside.path()).unwrap().next().is_none());
        symlink("/srv", folder.path().join("link")).unwrap();
        std::fs::create_dir(folder.path().join("srv")).unwrap();
        root.make_directories(Path::new("/link/a/b")).unwrap();
        assert!(folder.path().join("srv/a/b").is_dir());
        root.make_directories(Path::new("/srv/a/b")).unwrap();
        assert!(root.make_directories(Path::new("/x/../../y")).is_ok());
        assert!(folder.path().join("y").is_dir());
    }

    #[test]
    fn what_a_dangling_link_means_is_made_inside_and_the_link_stays() {
        let (folder, root) = tree();
        let outside = tempfile::tempdir().unwrap();
        let absolute = outside.path().join("file");
        for (name, target) in [
            ("resolv.conf", Path::new("../run/systemd/resolve/stub-resolv.conf")),
            ("up", Path::new("../../../../up-there")),
            ("absolute", &absolute),
            ("second", Path::new("resolv.conf.2")),
            ("resolv.conf.2", Path::new("/run/second")),
        ] {
            symlink(target, folder.path().join("etc").join(name)).unwrap();
        }
        for (path, made) in [
            ("/etc/resolv.conf", Path::new("run/systemd/resolve/stub-resolv.conf")),
            ("/etc/up", Path::new("up-there")),
            ("/etc/absolute", absolute.strip_prefix("/").unwrap()),
            ("/etc/second", Path::new("run/second")),
            ("/etc/plain", Path::new("etc/plain")),
        ] {
            root.make_target(Path::new(path), false).unwrap();
            let found = std::fs::symlink_metadata(folder.path().join(made)).unwrap();
            assert!(found.is_file() && found.permissions().mode() & 0o777 == 0o644, "{path}");
            root.make_target(Path::new(path), false).unwrap();
        }
        assert!(!absolute.exists());
        root.make_target(Path::new("/etc/deep/er"), true).unwrap();
        assert!(folder.path().join("etc/deep/er").is_dir());
        symlink("loop", folder.path().join("etc/loop")).unwrap();
        assert!(root.make_target(Path::new("/etc/loop"), false).is_err());
    }

    #[test]
    fn commands_are_looked_up_along_the_path() {
        let (folder, root) = tree();
        for (name, mode) in [("bin/tool", 0o755), ("opt/tool", 0o644), ("opt/plain", 0o644)] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let owner = std::fs::metadata(folder.path()).unwrap();
        let who = |uid, gid| Account { uid, gid, groups: vec![gid], home: String::new() };
        let look = |command| root.look_up(command, "/opt:/bin", "/opt", &who(0, 0)).unwrap();
        assert_eq!(look("tool"), Command::Executable);
        assert_eq!(look("./tool"), Command::NotExecutable);
        assert_eq!(look("plain"), Command::NotExecutable);
        assert_eq!(look("/bin/tool"), Command::Executable);
        assert_eq!(look("/bin"), Command::NotExecutable);
        assert_eq!(look("absent"), Command::Missing);
        let (mine, my_group) = (owner.uid(), owner.gid());
        for (mode, uid, gid, kind) in [
            (0o700, mine, 77, Command::Executable),
            (0o700, 77, my_group, Command::NotExecutable),
            (0o710, 77, my_group, Command::Executable),
            (0o771, 77, 77, Command::Executable),
            (0o770, 77, 77, Command::NotExecutable),
        ] {
            let file = folder.path().join("bin/tool");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(root.look_up("/bin/tool", "", "/", &who(uid, gid)).unwrap(), kind, "{mode:o} {uid}");
        }
    }
}
