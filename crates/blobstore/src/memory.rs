//! The store in memory, for tests of what uses a store.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use model::{BlobKey, ByteSize, ImageSnapshot, ImageSnapshotId, LeaseId, Timestamp};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::store::page_size;
use crate::{
    BlobEntry, BlobInfo, BlobStore, BlobWriter, Claim, ClaimBeat, CollectReport, Committed, Error, InUse,
    Lease, LeaseInfo, LeaseTerm, OpenBlob, Result, Sidecar, Space, Verified, chunk,
};

/// The store in memory. Cheap to clone; clones are the same store. Blobs are in anonymous files of the kernel's.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    blobs: BTreeMap<BlobKey, (File, BlobInfo)>,
    snapshots: BTreeMap<ImageSnapshotId, ImageSnapshot>,
    leases: BTreeMap<LeaseId, LeaseInfo>,
    /// With how many signs of life their owners gave.
    claims: BTreeMap<BlobKey, i128>,
}

/// What errors call a blob in memory.
fn nowhere() -> &'static Path {
    Path::new("(memory)")
}

fn failed(action: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::File { action, object: "blob", path: nowhere().to_owned(), source }
}

impl MemoryStore {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        // No method panics between two changes.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct MemoryClaim {
    store: MemoryStore,
    key: BlobKey,
}

impl Claim for MemoryClaim {
    fn key(&self) -> BlobKey {
        self.key
    }

    fn beat(&self) {
        *self.store.contents().claims.entry(self.key).or_default() += 1;
    }
}

impl Drop for MemoryClaim {
    fn drop(&mut self) {
        self.store.contents().claims.remove(&self.key);
    }
}

#[derive(Debug)]
struct MemoryWriter {
    store: MemoryStore,
    key: BlobKey,
    file: File,
}

#[async_trait]
impl BlobWriter for MemoryWriter {
    fn key(&self) -> BlobKey {
        self.key
    }

    fn file(&self) -> &File {
        &self.file
    }

    async fn commit(self: Box<Self>, sidecar: Sidecar) -> Result<Committed> {
        let Self { store, key, file } = *self;
        let found = file.metadata().map_err(failed("examine"))?.len();
        let expected = sidecar.blob_size.as_u64();
        if found != expected {
            return Err(Error::SizeMismatch { key, found, expected });
        }
        let mut contents = store.contents();
        if let Some((_, info)) = contents.blobs.get(&key) {
            return Ok(Committed::AlreadyExists(info.clone()));
        }
        let info = BlobInfo { key, size: sidecar.blob_size, sidecar };
        contents.blobs.insert(key, (file, info.clone()));
        Ok(Committed::New(info))
    }
}

#[derive(Debug)]
struct MemoryLease {
    store: MemoryStore,
    id: LeaseId,
    term: LeaseTerm,
}

#[async_trait]
impl Lease for MemoryLease {
    fn id(&self) -> LeaseId {
        self.id
    }

    async fn extend(&self, keys: &[BlobKey]) -> Result<()> {
        let mut contents = self.store.contents();
        let lease = contents.leases.get_mut(&self.id).ok_or(Error::LeaseEnded(self.id))?;
        lease.keys.extend(keys);
        Ok(())
    }

    async fn release(&self) -> Result<()> {
        self.store.contents().leases.remove(&self.id);
        Ok(())
    }
}

impl Drop for MemoryLease {
    fn drop(&mut self) {
        if self.term == LeaseTerm::Held {
            self.store.contents().leases.remove(&self.id);
        }
    }
}

fn holds(lease: &LeaseInfo, now: Timestamp) -> bool {
    match lease.term {
        LeaseTerm::Held => true,
        LeaseTerm::Until(end) => now < end,
    }
}

/// A second open file of the same bytes, read-only and with a position of its own.
fn reopen(file: &File) -> Result<File> {
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).map_err(failed("open"))
}

#[async_trait]
impl BlobStore for MemoryStore {
    async fn claim(&self, key: &BlobKey) -> Result<Option<Box<dyn Claim>>> {
        let mut contents = self.contents();
        let is_ours = !contents.claims.contains_key(key);
        contents.claims.entry(*key).or_default();
        Ok(is_ours.then(|| Box::new(MemoryClaim { store: self.clone(), key: *key }) as Box<dyn Claim>))
    }

    async fn claim_beat(&self, key: &BlobKey) -> Result<Option<ClaimBeat>> {
        Ok(self.contents().claims.get(key).copied().map(ClaimBeat))
    }

    async fn begin(&self, lease: &dyn Lease, key: &BlobKey) -> Result<Box<dyn BlobWriter>> {
        lease.extend(&[*key]).await?;
        let file =
            memfd_create("blob", MemfdFlags::CLOEXEC).map_err(|errno| failed("create")(errno.into()))?;
        Ok(Box::new(MemoryWriter { store: self.clone(), key: *key, file: file.into() }))
    }

    async fn stat(&self, key: &BlobKey) -> Result<Option<BlobInfo>> {
        Ok(self.contents().blobs.get(key).map(|(_, info)| info.clone()))
    }

    async fn open(&self, key: &BlobKey) -> Result<OpenBlob> {
        let contents = self.contents();
        let (file, info) = contents.blobs.get(key).ok_or(Error::NoBlob(*key))?;
        Ok(OpenBlob { file: reopen(file)?, info: info.clone() })
    }

    fn local_path(&self, _key: &BlobKey) -> Option<PathBuf> {
        None
    }

    async fn delete(&self, key: &BlobKey) -> Result<bool> {
        Ok(self.contents().blobs.remove(key).is_some())
    }

    async fn discard_broken(&self, _key: &BlobKey) -> Result<bool> {
        // Memory does not rot.
        Ok(false)
    }

    async fn list_blobs(&self, after: Option<&BlobKey>, limit: usize) -> Result<Vec<BlobEntry>> {
        let limit = page_size(limit)?;
        let contents = self.contents();
        let later = contents.blobs.values().filter(|(_, info)| after.is_none_or(|after| info.key > *after));
        Ok(later.take(limit).map(|(_, info)| BlobEntry { key: info.key, size: info.size }).collect())
    }

    async fn verify(&self, key: &BlobKey) -> Result<Verified> {
        let OpenBlob { file, info } = self.open(key).await?;
        chunk::verify(&file, &info, nowhere())
    }

    async fn put_snapshot(&self, snapshot: &ImageSnapshot) -> Result<()> {
        if snapshot.version != ImageSnapshot::VERSION {
            let (found, known) = (u64::from(snapshot.version), ImageSnapshot::VERSION);
            let path = nowhere().to_owned();
            return Err(Error::Version { object: "image snapshot", path, found, known });
        }
        let mut contents = self.contents();
        if let Some(key) = snapshot.blob_keys().into_iter().find(|key| !contents.blobs.contains_key(key)) {
            return Err(Error::MissingBlob { snapshot: snapshot.id, key });
        }
        match contents.snapshots.get(&snapshot.id) {
            Some(present) if present != snapshot => Err(Error::SnapshotExists(snapshot.id)),
            _ => {
                contents.snapshots.insert(snapshot.id, snapshot.clone());
                Ok(())
            }
        }
    }

    async fn get_snapshot(&self, id: ImageSnapshotId) -> Result<Option<ImageSnapshot>> {
        Ok(self.contents().snapshots.get(&id).cloned())
    }

    async fn list_snapshots(
        &self,
        after: Option<ImageSnapshotId>,
        limit: usize,
    ) -> Result<Vec<ImageSnapshotId>> {
        let limit = page_size(limit)?;
        let contents = self.contents();
        let later = contents.snapshots.keys().copied().filter(|id| after.is_none_or(|after| *id > after));
        Ok(later.take(limit).collect())
    }

    async fn delete_snapshot(&self, id: ImageSnapshotId) -> Result<bool> {
        Ok(self.contents().snapshots.remove(&id).is_some())
    }

    async fn lease(&self, owner: &str, keys: &[BlobKey], term: LeaseTerm) -> Result<Box<dyn Lease>> {
        let id = LeaseId::generate();
        let keys = keys.iter().copied().collect();
        self.contents().leases.insert(id, LeaseInfo { id, owner: owner.to_owned(), term, keys });
        Ok(Box::new(MemoryLease { store: self.clone(), id, term }))
    }

    async fn list_leases(&self, now: Timestamp) -> Result<Vec<LeaseInfo>> {
        Ok(self.contents().leases.values().filter(|lease| holds(lease, now)).cloned().collect())
    }

    async fn collect(&self, in_use: Arc<dyn InUse>, now: Timestamp) -> Result<CollectReport> {
        let mut contents = self.contents();
        let mut roots: BTreeSet<BlobKey> = in_use.keys().map_err(Error::InUse)?;
        roots.extend(contents.snapshots.values().flat_map(ImageSnapshot::blob_keys));
        let all = contents.leases.len();
        contents.leases.retain(|_, lease| holds(lease, now));
        roots.extend(contents.leases.values().flat_map(|lease| &lease.keys));
        let mut report =
            CollectReport { ended_leases: (all - contents.leases.len()) as u64, ..CollectReport::default() };
        contents.blobs.retain(|key, (_, info)| {
            let is_named = roots.contains(key);
            match is_named {
                true => report.kept += 1,
                false => {
                    report.deleted.push(*key);
                    report.freed = report.freed.plus(info.size);
                }
            }
            is_named
        });
        Ok(report)
    }

    async fn free_space(&self) -> Result<Space> {
        Ok(Space { free: ByteSize::gib(1024), total: ByteSize::gib(1024) })
    }
}
