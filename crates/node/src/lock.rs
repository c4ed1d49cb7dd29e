//! Locks that a dead process cannot hold: flock(2) on a file, gone with its last descriptor.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Opens a lock file, made where it is missing, and waits for the lock.
pub(crate) fn lock_exclusive(path: &Path) -> io::Result<File> {
    let file = open(path)?;
    wait_exclusive(&file)?;
    Ok(file)
}

/// Waits for the lock of an open file.
pub(crate) fn wait_exclusive(file: &File) -> io::Result<()> {
    retry(|| flock(file, FlockOperation::LockExclusive))
}

/// Waits until nobody holds the lock of an open file exclusively.
pub(crate) fn wait_free(file: &File) -> io::Result<()> {
    retry(|| flock(file, FlockOperation::LockShared))?;
    unlock(file)
}

/// Gives a lock back. Closing the file does so as well, but not before the last copy of the descriptor is closed, and a
/// child that is just being made in another thread has one until it executes its program.
pub(crate) fn unlock(file: &File) -> io::Result<()> {
    Ok(flock(file, FlockOperation::Unlock)?)
}

/// Takes the lock if nobody has it.
pub(crate) fn try_exclusive(file: &File) -> io::Result<bool> {
    attempt(flock(file, FlockOperation::NonBlockingLockExclusive))
}

/// Whether nobody holds the lock exclusively.
pub(crate) fn is_free(file: &File) -> io::Result<bool> {
    let free = attempt(flock(file, FlockOperation::NonBlockingLockShared))?;
    if free {
        unlock(file)?;
    }
    Ok(free)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn attempt(answer: Result<(), Errno>) -> io::Result<bool> {
    match answer {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

fn retry(mut lock: impl FnMut() -> Result<(), Errno>) -> io::Result<()> {
    loop {
        match lock() {
            Err(Errno::INTR) => {}
            other => return other.map_err(io::Error::from),
        }
    }
}
