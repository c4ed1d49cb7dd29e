//! A store that fails by plan, for tests of what uses one.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use model::{BlobKey, ImageSnapshot, ImageSnapshotId, LeaseId, Timestamp};
use rustix::io::Errno;

use crate::{
    BlobEntry, BlobInfo, BlobStore, BlobWriter, Claim, ClaimBeat, CollectReport, Committed, Error, InUse,
    Lease, LeaseInfo, LeaseTerm, OpenBlob, Result, Sidecar, Space, Verified,
};

/// Which call fails, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultPlan {
    /// The number of the call, counted from 0 over all operations of the store, its writers and its leases.
    pub call: u64,
    /// Whether the operation was done all the same and only its answer got lost.
    pub is_done: bool,
    /// The error.
    pub errno: Errno,
}

#[derive(Debug, Default)]
struct Turns {
    plan: Option<FaultPlan>,
    calls: AtomicU64,
}

impl Turns {
    /// Does the operation, unless the plan says otherwise.
    async fn pass<T>(
        &self,
        step: &'static str,
        operation: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let Some(plan) = self.plan.filter(|plan| plan.call == call) else { return operation.await };
        if plan.is_done {
            operation.await?;
        }
        Err(Error::Step { step, source: io::Error::from(plan.errno) })
    }
}

/// A store that passes every call on but the planned one.
#[derive(Debug)]
pub struct FaultStore<S> {
    inner: S,
    turns: Arc<Turns>,
}

impl<S: BlobStore> FaultStore<S> {
    /// Fails by this plan; `None` never fails.
    pub fn new(inner: S, plan: Option<FaultPlan>) -> Self {
        Self { inner, turns: Arc::new(Turns { plan, calls: AtomicU64::new(0) }) }
    }

    /// The store behind, which does not fail.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// How many calls there have been.
    pub fn calls(&self) -> u64 {
        self.turns.calls.load(Ordering::SeqCst)
    }
}

struct FaultWriter {
    inner: Box<dyn BlobWriter>,
    turns: Arc<Turns>,
}

#[async_trait]
impl BlobWriter for FaultWriter {
    fn key(&self) -> BlobKey {
        self.inner.key()
    }

    fn file(&self) -> &File {
        self.inner.file()
    }

    async fn commit(self: Box<Self>, sidecar: Sidecar) -> Result<Committed> {
        self.turns.pass("commit", self.inner.commit(sidecar)).await
    }
}

struct FaultLease {
    inner: Box<dyn Lease>,
    turns: Arc<Turns>,
}

#[async_trait]
impl Lease for FaultLease {
    fn id(&self) -> LeaseId {
        self.inner.id()
    }

    async fn extend(&self, keys: &[BlobKey]) -> Result<()> {
        self.turns.pass("extend", self.inner.extend(keys)).await
    }

    async fn release(&self) -> Result<()> {
        self.turns.pass("release", self.inner.release()).await
    }
}

#[async_trait]
impl<S: BlobStore> BlobStore for FaultStore<S> {
    async fn claim(&self, key: &BlobKey) -> Result<Option<Box<dyn Claim>>> {
        self.turns.pass("claim", self.inner.claim(key)).await
    }

    async fn claim_beat(&self, key: &BlobKey) -> Result<Option<ClaimBeat>> {
        self.turns.pass("claim_beat", self.inner.claim_beat(key)).await
    }

    async fn begin(&self, lease: &dyn Lease, key: &BlobKey) -> Result<Box<dyn BlobWriter>> {
        let inner = self.turns.pass("begin", self.inner.begin(lease, key)).await?;
        Ok(Box::new(FaultWriter { inner, turns: self.turns.clone() }))
    }

    async fn stat(&self, key: &BlobKey) -> Result<Option<BlobInfo>> {
        self.turns.pass("stat", self.inner.stat(key)).await
    }

    async fn open(&self, key: &BlobKey) -> Result<OpenBlob> {
        self.turns.pass("open", self.inner.open(key)).await
    }

    fn local_path(&self, key: &BlobKey) -> Option<PathBuf> {
        self.inner.local_path(key)
    }

    async fn delete(&self, key: &BlobKey) -> Result<bool> {
        self.turns.pass("delete", self.inner.delete(key)).await
    }

    async fn discard_broken(&self, key: &BlobKey) -> Result<bool> {
        self.turns.pass("discard_broken", self.inner.discard_broken(key)).await
    }

    async fn list_blobs(&self, after: Option<&BlobKey>, limit: usize) -> Result<Vec<BlobEntry>> {
        self.turns.pass("list_blobs", self.inner.list_blobs(after, limit)).await
    }

    async fn verify(&self, key: &BlobKey) -> Result<Verified> {
        self.turns.pass("verify", self.inner.verify(key)).await
    }

    async fn put_snapshot(&self, snapshot: &ImageSnapshot) -> Result<()> {
        self.turns.pass("put_snapshot", self.inner.put_snapshot(snapshot)).await
    }

    async fn get_snapshot(&self, id: ImageSnapshotId) -> Result<Option<ImageSnapshot>> {
        self.turns.pass("get_snapshot", self.inner.get_snapshot(id)).await
    }

    async fn list_snapshots(
        &self,
        after: Option<ImageSnapshotId>,
        limit: usize,
    ) -> Result<Vec<ImageSnapshotId>> {
        self.turns.pass("list_snapshots", self.inner.list_snapshots(after, limit)).await
    }

    async fn delete_snapshot(&self, id: ImageSnapshotId) -> Result<bool> {
        self.turns.pass("delete_snapshot", self.inner.delete_snapshot(id)).await
    }

    async fn lease(&self, owner: &str, keys: &[BlobKey], term: LeaseTerm) -> Result<Box<dyn Lease>> {
        let inner = self.turns.pass("lease", self.inner.lease(owner, keys, term)).await?;
        Ok(Box::new(FaultLease { inner, turns: self.turns.clone() }))
    }

    async fn list_leases(&self, now: Timestamp) -> Result<Vec<LeaseInfo>> {
        self.turns.pass("list_leases", self.inner.list_leases(now)).await
    }

    async fn collect(&self, in_use: Arc<dyn InUse>, now: Timestamp) -> Result<CollectReport> {
        self.turns.pass("collect", self.inner.collect(in_use, now)).await
    }

    async fn free_space(&self) -> Result<Space> {
        self.turns.pass("free_space", self.inner.free_space()).await
    }
}
