//! Leases: a file each, whose first line says whose it is, and every further line names a blob.
//!
//! A held lease is locked by its owner as long as that lives, and the lock is there before the file has its name; so a
//! file without a lock has no owner. Lines are added under the store's lock; one without its line end was never promised.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use async_trait::async_trait;
use model::{BlobKey, LeaseId, Timestamp};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use super::files::{self, TempFile, failed, try_flock};
use super::{DirectoryStore, Inner};
use crate::{Error, Lease, LeaseInfo, LeaseTerm, Result};

/// The most blobs that one lease names: far over any set of images, and still quickly read.
const LIMIT: usize = 65_536;

const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    id: LeaseId,
    owner: String,
    term: LeaseTerm,
}

/// A lease that we took.
#[derive(Debug)]
pub(super) struct DirectoryLease(std::sync::Arc<Taken>);

#[derive(Debug)]
struct Taken {
    store: DirectoryStore,
    id: LeaseId,
    term: LeaseTerm,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Open and locked as long as the lease lasts.
    file: Option<File>,
    keys: BTreeSet<BlobKey>,
}

impl DirectoryLease {
    pub(super) fn take(
        store: DirectoryStore,
        owner: String,
        keys: &[BlobKey],
        term: LeaseTerm,
    ) -> Result<Self> {
        let inner = &store.0;
        let id = LeaseId::generate();
        let mut document = files::to_json(&Header { version: VERSION, id, owner, term });
        let keys: BTreeSet<BlobKey> = keys.iter().copied().collect();
        check_room(id, keys.len())?;
        document.extend(keys.iter().flat_map(files::to_json));
        let temp = match term {
            // Does not outlive its owner, so it need not outlive a power loss; a start should not wait for the disk.
            LeaseTerm::Held => TempFile::with_bytes_unsynced(&inner.layout.tmp(), "lease", &document)?,
            LeaseTerm::Until(_) => TempFile::with_bytes(&inner.layout.tmp(), "lease", &document)?,
        };
        let file = {
            // Shared: many may lease at once, none while a collection decides.
            let _lock = inner.lock_shared()?;
            temp.rename(&inner.layout.lease(id, term))?
        };
        let taken = Taken { store, id, term, state: Mutex::new(State { file: Some(file), keys }) };
        let lease = Self(std::sync::Arc::new(taken));
        let inner = &lease.0.store.0;
        if matches!(term, LeaseTerm::Until(_)) {
            files::sync_directory(&inner.layout.leases())?;
        }
        inner.step("lease-written")?;
        Ok(lease)
    }
}

fn check_room(id: LeaseId, keys: usize) -> Result<()> {
    if keys > LIMIT { Err(Error::LeaseFull { id, limit: LIMIT }) } else { Ok(()) }
}

impl Taken {
    fn extend_now(&self, keys: &[BlobKey]) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let new: BTreeSet<BlobKey> = keys.iter().filter(|key| !state.keys.contains(key)).copied().collect();
        let Some(file) = &state.file else { return Err(Error::LeaseEnded(self.id)) };
        if new.is_empty() {
            return Ok(());
        }
        check_room(self.id, state.keys.len() + new.len())?;
        let inner = &self.store.0;
        let path = inner.layout.lease(self.id, self.term);
        let lines: Vec<u8> = new.iter().flat_map(files::to_json).collect();
        {
            let _lock = inner.lock_shared()?;
            let before = file.metadata().map_err(failed("examine", "lease", &path))?.len();
            if let Err(error) = std::os::unix::fs::FileExt::write_all_at(file, &lines, before) {
                // Nothing of a failed extension may stay in front of the next one's lines.
                file.set_len(before).map_err(failed("restore", "lease", &path))?;
                return Err(failed("extend", "lease", &path)(error));
            }
        }
        if matches!(self.term, LeaseTerm::Until(_)) {
            file.sync_data().map_err(failed("sync", "lease", &path))?;
        }
        state.keys.extend(new);
        inner.step("lease-written")
    }

    fn release_now(&self) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if state.file.take().is_some() {
            files::remove("lease", &self.store.0.layout.lease(self.id, self.term))?;
            self.store.0.step("lease-released")?;
        }
        Ok(())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.term == LeaseTerm::Held {
            // Where that fails the lock is gone all the same, and the next collection removes the file.
            let _ = self.release_now();
        }
    }
}

#[async_trait]
impl Lease for DirectoryLease {
    fn id(&self) -> LeaseId {
        self.0.id
    }

    async fn extend(&self, keys: &[BlobKey]) -> Result<()> {
        let (taken, keys) = (self.0.clone(), keys.to_vec());
        super::blocking(move || taken.extend_now(&keys)).await
    }

    async fn release(&self) -> Result<()> {
        let taken = self.0.clone();
        super::blocking(move || taken.release_now()).await
    }
}

/// The leases that hold, and the files of those that have ended.
#[derive(Debug, Default)]
pub(super) struct Census {
    pub(super) holding: Vec<LeaseInfo>,
    pub(super) ended: Vec<PathBuf>,
}

pub(super) fn census(inner: &Inner, now: Timestamp) -> Result<Census> {
    let mut census = Census::default();
    for name in files::names(&inner.layout.leases())? {
        let path = inner.layout.leases().join(&name);
        let look = match name.rsplit_once('.') {
            Some((id, "held")) if id.parse::<LeaseId>().is_ok() => look_at_held(&path)?,
            Some((id, "until")) if id.parse::<LeaseId>().is_ok() => look_at_until(&path, now)?,
            _ => None,
        };
        match look {
            Some(Look::Holds(info)) => census.holding.push(info),
            Some(Look::Ended) => census.ended.push(path),
            None => {}
        }
    }
    Ok(census)
}

enum Look {
    Holds(LeaseInfo),
    Ended,
}

/// Looks at a lease that holds as long as its owner lives; `None` where it was released meanwhile.
fn look_at_held(path: &Path) -> Result<Option<Look>> {
    let Some(file) = files::open("lease", path)? else { return Ok(None) };
    // Shared, so that two who look do not take each other for the owner.
    let is_free = try_flock(&file, FlockOperation::NonBlockingLockShared).map_err(failed(
        "look at the lock of",
        "lease",
        path,
    ))?;
    if is_free {
        // Not read: a power loss may have left anything in it.
        return Ok(Some(Look::Ended));
    }
    Ok(read(path)?.map(Look::Holds))
}

/// Looks at a lease that holds for a time; `None` where it was released meanwhile.
fn look_at_until(path: &Path, now: Timestamp) -> Result<Option<Look>> {
    let Some(info) = read(path)? else { return Ok(None) };
    let holds = matches!(info.term, LeaseTerm::Until(end) if now < end);
    Ok(Some(if holds { Look::Holds(info) } else { Look::Ended }))
}

fn read(path: &Path) -> Result<Option<LeaseInfo>> {
    let Some(bytes) = files::read("lease", path)? else { return Ok(None) };
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let header: Header = files::parse("lease", path, VERSION, lines.next().unwrap_or_default())?;
    let broken = |source| Error::Document { object: "lease", path: path.to_owned(), source };
    let keys: Result<BTreeSet<BlobKey>> =
        lines.map(|line| serde_json::from_slice(line).map_err(broken)).collect();
    Ok(Some(LeaseInfo { id: header.id, owner: header.owner, term: header.term, keys: keys? }))
}
