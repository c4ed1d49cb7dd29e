//! Room kept for the way out of a full disk.
//!
//! To delete, too, something has to be written first: the records' log, their index. So a little room is kept in a file of the
//! data directory, and the commands that look or free give it up where there is no other.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, Mode, OFlags, fallocate, open};
use rustix::io::Errno;

/// Bytes kept: what opening the records and deleting some takes, several times over.
const SIZE: u64 = 1 << 20;

/// The least that is worth keeping. What a command wrote on a full disk may be missing from the whole size.
const LEAST: u64 = SIZE / 4;

/// The reserve of a data directory.
#[derive(Debug)]
pub(crate) struct Reserve(PathBuf);

impl Reserve {
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self(data_dir.join("reserve"))
    }

    /// Makes it whole as far as there is room. Where there is not enough, the next command tries again.
    pub(crate) fn keep(&self) {
        if let Err(error) = self.make() {
            tracing::debug!(reserve = %self.0.display(), %error, "no room is kept for a full disk");
        }
    }

    fn make(&self) -> io::Result<()> {
        // One that is there may be empty or small: its maker was killed, or had no more room. Whoever owns the directory
        // cannot lead this to another file.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(open(&self.0, flags, Mode::RUSR | Mode::WUSR)?);
        let mut size = SIZE;
        loop {
            match fallocate(&file, FallocateFlags::empty(), 0, size) {
                Ok(()) => return Ok(()),
                Err(Errno::NOSPC) if size > LEAST => size /= 2,
                Err(error) => {
                    if file.metadata()?.len() == 0 {
                        std::fs::remove_file(&self.0)?;
                    }
                    return Err(error.into());
                }
            }
        }
    }

    /// Frees it where the file system has less room than it takes.
    pub(crate) fn give_up_if_full(&self) {
        if self.is_full().unwrap_or(false)
            && let Err(error) = std::fs::remove_file(&self.0)
        {
            tracing::debug!(reserve = %self.0.display(), %error, "could not free what was kept");
        }
    }

    fn is_full(&self) -> io::Result<bool> {
        let room = rustix::fs::fstatvfs(File::open(&self.0)?)?;
        Ok(room.f_bavail.saturating_mul(room.f_frsize) < SIZE)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn it_is_kept_once_and_given_up_only_in_need() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::of(folder.path());
        reserve.give_up_if_full();
        reserve.keep();
        reserve.keep();
        let file = folder.path().join("reserve");
        assert_eq!(file.metadata().unwrap().len(), SIZE);
        reserve.give_up_if_full();
        assert!(file.exists(), "this file system has room");
    }

    #[test]
    fn one_that_is_empty_or_small_is_made_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("reserve");
        for there in [0, LEAST] {
            File::create(&file).unwrap().set_len(there).unwrap();
            Reserve::of(folder.path()).keep();
            let made = file.metadata().unwrap();
            assert_eq!(made.len(), SIZE, "{there}");
            assert!(made.blocks() * 512 >= SIZE, "{there}: {} blocks", made.blocks());
        }
    }

    #[test]
    fn a_link_in_its_place_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("other");
        File::create(&other).unwrap();
        std::os::unix::fs::symlink(&other, folder.path().join("reserve")).unwrap();
        Reserve::of(folder.path()).keep();
        assert_eq!(other.metadata().unwrap().len(), 0);
    }
}
