//! Claims: a file each in `tmp/`, named by the blob's key and locked by who makes the blob.
//!
//! Such a name comes again, unlike the others there: so whoever has the lock looks whether the file still has its name,
//! and only who has the lock and the name removes it.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use model::BlobKey;
use rustix::fs::{FlockOperation, Timespec, Timestamps, UTIME_NOW, futimens};

use super::Inner;
use super::files::{self, failed, has_name, try_flock};
use super::owner;
use crate::{Claim, ClaimBeat, Result};

/// A claim that we have.
#[derive(Debug)]
pub(super) struct DirectoryClaim {
    key: BlobKey,
    path: PathBuf,
    /// Locked as long as it is open.
    file: File,
}

/// Takes the claim on a key; `None` where somebody has it.
pub(super) fn take(inner: &Inner, key: BlobKey) -> Result<Option<DirectoryClaim>> {
    let path = inner.layout.claim(&key);
    loop {
        let file = owner::open_or_create_file(&path).map_err(failed("open", "claim", &path))?;
        let exclusive = FlockOperation::NonBlockingLockExclusive;
        if !try_flock(&file, exclusive).map_err(failed("lock", "claim", &path))? {
            return Ok(None);
        }
        // Between opening and locking its last owner or a sweeper may have removed it: then begin again.
        if has_name(&file).map_err(failed("examine", "claim", &path))? {
            let claim = DirectoryClaim { key, path, file };
            inner.step("claim-taken")?;
            return Ok(Some(claim));
        }
    }
}

impl Claim for DirectoryClaim {
    fn key(&self) -> BlobKey {
        self.key
    }

    fn beat(&self) {
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        // Where it cannot be given, others do the same work twice: no more than that.
        let _ = futimens(&self.file, &Timestamps { last_access: now, last_modification: now });
    }
}

/// When the file of the claim last changed: a sign of its owner, whatever clock the file system has.
pub(super) fn beat(inner: &Inner, key: BlobKey) -> Result<Option<ClaimBeat>> {
    let path = inner.layout.claim(&key);
    let Some(file) = files::open("claim", &path)? else { return Ok(None) };
    let metadata = file.metadata().map_err(failed("examine", "claim", &path))?;
    Ok(Some(ClaimBeat(i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec()))))
}

impl Drop for DirectoryClaim {
    fn drop(&mut self) {
        // Still locked. What cannot be removed now is free all the same, and swept later.
        let _ = files::remove("claim", &self.path);
    }
}
