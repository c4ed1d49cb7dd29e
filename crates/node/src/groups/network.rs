//! A network namespace that outlives the processes in it: kept by a mount of itself.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::embedded::bring_loopback_up;
use crate::mount::{bind, is_mount_point};

/// Makes it, with loopback, where it is missing.
pub(super) fn prepare(path: &Path) -> io::Result<()> {
    if is_mount_point(path)? {
        return Ok(());
    }
    File::options().write(true).create(true).truncate(false).open(path)?;
    let path = path.to_owned();
    // A thread of its own enters it and ends: nobody else in this process does.
    let maker = std::thread::Builder::new().name("group-network".to_owned()).spawn(move || make(&path))?;
    maker.join().map_err(|_| io::Error::other("the thread that was to make it panicked"))?
}

#[allow(unsafe_code, reason = "rustix marks every unshare so, since that of the files' table is")]
fn make(path: &Path) -> io::Result<()> {
    // SAFETY: the network alone is unshared; no memory and no descriptor of another thread changes.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }?;
    bring_loopback_up()?;
    Ok(bind(Path::new("/proc/thread-self/ns/net"), path)?)
}
