//! Room kept for the way out of a full disk.
//!
//! To delete, too, something has to be written first: the records' log, their index. So a little room is kept in a file of the
//! data directory, and the commands that look or free give it up where there is no other.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};
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

    /// Makes it where it is missing and there is room. Where there is not, the next command tries again.
    pub(crate) fn keep(&self) {
        if let Err(error) = self.make()
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            tracing::debug!(reserve = %self.0.display(), %error, "no room is kept for a full disk");
        }
    }

    fn make(&self) -> io::Result<()> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.0)?;
        let mut size = SIZE;
        loop {
            match fallocate(&file, FallocateFlags::empty(), 0, size) {
                Ok(()) => return Ok(()),
                Err(Errno::NOSPC) if size > LEAST => size /= 2,
                Err(error) => {
                    std::fs::remove_file(&self.0)?;
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
}
