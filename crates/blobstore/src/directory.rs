//! The store in a directory of this machine.

mod blobs;
mod claims;
mod collect;
mod files;
mod format;
mod layout;
mod leases;
mod owner;
mod snapshots;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::{BlobKey, ByteSize, ImageSnapshot, ImageSnapshotId, StoreId, Timestamp};
use rustix::fs::FlockOperation;

use self::layout::Layout;
use crate::{
    BlobEntry, BlobInfo, BlobStore, BlobWriter, Claim, ClaimBeat, CollectReport, Error, InUse, Lease,
    LeaseInfo, LeaseTerm, OpenBlob, Result, Space, Verified, fault,
};

/// What is called at each named step; an error fails the step. [`fault::point`] unless a test sets another.
pub type Steps = Arc<dyn Fn(&'static str) -> io::Result<()> + Send + Sync>;

/// How a directory store behaves.
#[derive(Clone)]
pub struct DirectoryOptions {
    /// How long to wait for the store's lock before saying `Busy`.
    pub lock_wait: Duration,
    /// What is called at each named step.
    pub steps: Steps,
}

impl Default for DirectoryOptions {
    fn default() -> Self {
        Self { lock_wait: Duration::from_secs(60), steps: Arc::new(fault::point) }
    }
}

/// The store in a directory. Cheap to clone; clones are the same store.
#[derive(Clone)]
pub struct DirectoryStore(Arc<Inner>);

struct Inner {
    id: StoreId,
    layout: Layout,
    options: DirectoryOptions,
}

impl fmt::Debug for DirectoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DirectoryStore").field(&self.0.layout.root()).finish()
    }
}

impl Inner {
    fn step(&self, step: &'static str) -> Result<()> {
        (self.options.steps)(step).map_err(|source| Error::Step { step, source })
    }

    fn lock_exclusive(&self) -> Result<File> {
        self.lock(FlockOperation::NonBlockingLockExclusive)
    }

    fn lock_shared(&self) -> Result<File> {
        self.lock(FlockOperation::NonBlockingLockShared)
    }

    fn lock(&self, how: FlockOperation) -> Result<File> {
        files::lock_within(&self.layout.lock(), how, self.options.lock_wait)
    }
}

/// Does file work on a thread that may block. Work that was begun ends, also where its caller is cancelled.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::Task)?
}

impl DirectoryStore {
    /// Opens the store in this directory, or makes one where there is none, and removes the ingests of dead
    /// processes. Does a few quick file operations; meant for the start of a process.
    ///
    /// # Errors
    /// [`Error::Version`] where a newer imc made it; kinds `Corrupt`, `NoSpace`, `Busy`, `Io`.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(root, DirectoryOptions::default())
    }

    /// As [`open`](Self::open), with other options.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_with(root: impl Into<PathBuf>, options: DirectoryOptions) -> Result<Self> {
        let root = root.into();
        files::ensure_root(&root)?;
        let root = root.canonicalize().map_err(files::failed("find", "store", &root))?;
        let layout = Layout::new(root);
        let id = format::open(&layout, options.lock_wait)?;
        Ok(Self(Arc::new(Inner { id, layout, options })))
    }

    /// Which store it is: the same wherever the directory is moved or mounted.
    #[must_use]
    pub fn id(&self) -> StoreId {
        self.0.id
    }

    /// The directory, by its canonical path.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.0.layout.root()
    }

    /// The key of the blob that lies at this path, to tell from the kernel's list of mounts what is in use.
    /// `None` for paths that are no blob's. No I/O; the path must begin as [`root`](Self::root) does.
    #[must_use]
    pub fn key_at(&self, path: &Path) -> Option<BlobKey> {
        self.0.layout.key_at(path)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        blocking(move || work(&store.0)).await
    }
}

#[async_trait]
impl BlobStore for DirectoryStore {
    async fn claim(&self, key: &BlobKey) -> Result<Option<Box<dyn Claim>>> {
        let key = *key;
        let claim = self.run(move |inner| claims::take(inner, key)).await?;
        Ok(claim.map(|claim| Box::new(claim) as Box<dyn Claim>))
    }

    async fn claim_beat(&self, key: &BlobKey) -> Result<Option<ClaimBeat>> {
        let key = *key;
        self.run(move |inner| claims::beat(inner, key)).await
    }

    async fn begin(&self, lease: &dyn Lease, key: &BlobKey) -> Result<Box<dyn BlobWriter>> {
        lease.extend(&[*key]).await?;
        let (store, key) = (self.clone(), *key);
        let ingest = blocking(move || blobs::Ingest::begin(store, key)).await?;
        Ok(Box::new(ingest))
    }

    async fn stat(&self, key: &BlobKey) -> Result<Option<BlobInfo>> {
        let key = *key;
        self.run(move |inner| blobs::stat(inner, &key)).await
    }

    async fn open(&self, key: &BlobKey) -> Result<OpenBlob> {
        let key = *key;
        self.run(move |inner| blobs::open(inner, &key)).await
    }

    fn local_path(&self, key: &BlobKey) -> Option<PathBuf> {
        Some(self.0.layout.blob(key).blob)
    }

    async fn delete(&self, key: &BlobKey) -> Result<bool> {
        let key = *key;
        self.run(move |inner| blobs::delete(inner, &key)).await
    }

    async fn discard_broken(&self, key: &BlobKey) -> Result<bool> {
        let key = *key;
        self.run(move |inner| blobs::discard_broken(inner, &key)).await
    }

    async fn list_blobs(&self, after: Option<&BlobKey>, limit: usize) -> Result<Vec<BlobEntry>> {
        let after = after.copied();
        self.run(move |inner| blobs::list(inner, after, limit)).await
    }

    async fn verify(&self, key: &BlobKey) -> Result<Verified> {
        let key = *key;
        self.run(move |inner| blobs::verify(inner, &key)).await
    }

    async fn put_snapshot(&self, snapshot: &ImageSnapshot) -> Result<()> {
        let snapshot = snapshot.clone();
        self.run(move |inner| snapshots::put(inner, &snapshot)).await
    }

    async fn get_snapshot(&self, id: ImageSnapshotId) -> Result<Option<ImageSnapshot>> {
        self.run(move |inner| snapshots::get(inner, id)).await
    }

    async fn list_snapshots(
        &self,
        after: Option<ImageSnapshotId>,
        limit: usize,
    ) -> Result<Vec<ImageSnapshotId>> {
        self.run(move |inner| snapshots::list(inner, after, limit)).await
    }

    async fn delete_snapshot(&self, id: ImageSnapshotId) -> Result<bool> {
        self.run(move |inner| snapshots::delete(inner, id)).await
    }

    async fn lease(&self, owner: &str, keys: &[BlobKey], term: LeaseTerm) -> Result<Box<dyn Lease>> {
        let (store, owner, keys) = (self.clone(), owner.to_owned(), keys.to_vec());
        let lease = blocking(move || leases::DirectoryLease::take(store, owner, &keys, term)).await?;
        Ok(Box::new(lease))
    }

    async fn list_leases(&self, now: Timestamp) -> Result<Vec<LeaseInfo>> {
        self.run(move |inner| Ok(leases::census(inner, now)?.holding)).await
    }

    async fn collect(&self, in_use: Arc<dyn InUse>, now: Timestamp) -> Result<CollectReport> {
        self.run(move |inner| collect::collect(inner, &*in_use, now)).await
    }

    async fn free_space(&self) -> Result<Space> {
        self.run(|inner| {
            let root = inner.layout.root();
            let failed = files::failed("ask the file system of", "store", root);
            let stat = rustix::fs::statvfs(root).map_err(|errno| failed(errno.into()))?;
            // What root may still write, reserved blocks left out: the store need not take the last of them.
            let bytes = |blocks: u64| ByteSize::bytes(blocks.saturating_mul(stat.f_frsize));
            Ok(Space { free: bytes(stat.f_bavail), total: bytes(stat.f_blocks) })
        })
        .await
    }
}
