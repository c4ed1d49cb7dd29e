//! The contract of every store: what may be asked of it, when it fails and what stays behind.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

use async_trait::async_trait;
use model::{BlobKey, ByteSize, ImageSnapshot, ImageSnapshotId, LeaseId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Sidecar};

/// A committed blob: its key, its length and what its sidecar says.
#[derive(Clone, Debug, PartialEq)]
pub struct BlobInfo {
    /// Its key.
    pub key: BlobKey,
    /// Length of the blob in bytes; the sidecar says the same.
    pub size: ByteSize,
    /// What is known of the blob beside its bytes.
    pub sidecar: Sidecar,
}

/// One line of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobEntry {
    /// The blob's key.
    pub key: BlobKey,
    /// Its length in bytes.
    pub size: ByteSize,
}

/// A committed blob, open for reading.
#[derive(Debug)]
pub struct OpenBlob {
    /// The blob's bytes, read-only. Stays readable when the blob is deleted meanwhile.
    pub file: File,
    /// What `stat` says of it.
    pub info: BlobInfo,
}

/// How a commit ended. Either way the blob is in the store, durable.
#[derive(Clone, Debug, PartialEq)]
pub enum Committed {
    /// Our bytes are the blob.
    New(BlobInfo),
    /// Somebody committed this key before us; theirs stays, ours was dropped.
    AlreadyExists(BlobInfo),
}

impl Committed {
    /// The blob that is in the store now.
    #[must_use]
    pub fn info(&self) -> &BlobInfo {
        match self {
            Self::New(info) | Self::AlreadyExists(info) => info,
        }
    }
}

/// An ingest: the bytes of a blob that nobody sees yet.
///
/// The bytes are written on a plain thread through [`file`](Self::file), at any positions. Dropping the writer without
/// a commit gives the ingest up and removes its bytes.
#[async_trait]
pub trait BlobWriter: Send + Sync {
    /// Which blob this will be.
    fn key(&self) -> BlobKey;

    /// Where the bytes go. Open for reading and writing, empty at first; a `try_clone` of it may be given away, but must
    /// not be written to once `commit` was called.
    fn file(&self) -> &File;

    /// Makes the bytes durable and then visible under the key, together with the sidecar.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`] where the file is not as long as the sidecar says; an error of kind
    /// [`NoSpace`](crate::ErrorKind::NoSpace) or [`Io`](crate::ErrorKind::Io) where the bytes could not be made durable.
    /// Nothing is visible and the ingest is gone after an error, unless it came at the last step (making the
    /// directory durable): then the blob may be visible, whole, and a second ingest of the key ends well.
    async fn commit(self: Box<Self>, sidecar: Sidecar) -> Result<Committed>;
}

/// The right to make a blob: of all tasks and processes on the store one has it. It ends when this is dropped, or with
/// the process, however that ends. It spares others the same work, no more: commits need none, and it keeps no blob.
pub trait Claim: Send + Sync + std::fmt::Debug {
    /// Which blob it is on.
    fn key(&self) -> BlobKey;

    /// Shows those who wait for it that its owner gets on: [`BlobStore::claim_beat`] differs afterwards.
    fn beat(&self);
}

/// A sign of life of a claim's owner: equal ones are the same sign, and nothing else is to be read from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimBeat(pub(crate) i128);

/// How long a lease holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeaseTerm {
    /// While the process that took it lives and has not released or dropped it. What a build and a start take.
    Held,
    /// Until this instant, whoever lives; survives restarts. Dropping the [`Lease`] does not end it, releasing does.
    Until(Timestamp),
}

/// A lease: keeps the blobs that it names from collection.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Its id.
    fn id(&self) -> LeaseId;

    /// Names further keys. From its return on a blob of these keys is not collected, whether it is there already or
    /// comes later. Keys that the lease names already cost nothing.
    ///
    /// # Errors
    /// [`Error::LeaseEnded`] after a release; kinds `NoSpace`, `Busy`, `Io` where it could not be recorded. The keys named
    /// before stay named.
    async fn extend(&self, keys: &[BlobKey]) -> Result<()>;

    /// Ends the lease. Ending one that has ended is no error.
    ///
    /// # Errors
    /// Kind `Io`; the lease then ends with the process, or at its term.
    async fn release(&self) -> Result<()>;
}

/// A lease as an observer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseInfo {
    /// Its id.
    pub id: LeaseId,
    /// Who took it and what for, for people.
    pub owner: String,
    /// How long it holds.
    pub term: LeaseTerm,
    /// The keys that it names.
    pub keys: BTreeSet<BlobKey>,
}

/// Says which blobs are mounted. Asked while the store is locked for collection, so the answer must be quick, must come
/// from the kernel or from memory, and must not call the store.
pub trait InUse: Send + Sync {
    /// The keys of all blobs in use now.
    ///
    /// # Errors
    /// Where that cannot be told. The collection then deletes nothing.
    fn keys(&self) -> std::io::Result<BTreeSet<BlobKey>>;
}

/// A fixed set is an answer too (nothing mounted: the empty set).
impl InUse for BTreeSet<BlobKey> {
    fn keys(&self) -> std::io::Result<BTreeSet<BlobKey>> {
        Ok(self.clone())
    }
}

/// What a collection did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectReport {
    /// Blobs that nobody named, now deleted.
    pub deleted: Vec<BlobKey>,
    /// Bytes that their files took.
    pub freed: ByteSize,
    /// How many blobs somebody names.
    pub kept: u64,
    /// Leases that had ended, now removed.
    pub ended_leases: u64,
    /// Ingests of dead processes and sidecars without a blob, now removed.
    pub swept: u64,
}

/// Room in the file system that the store is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// Bytes that may still be written.
    pub free: ByteSize,
    /// Bytes in all.
    pub total: ByteSize,
}

/// How far a blob could be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verified {
    /// The blob is there, its length is right; it has no chunk table yet.
    Length,
    /// Every chunk has the digest that the table says.
    Chunks,
}

/// The most entries that one page of a listing holds.
pub const PAGE_LIMIT: usize = 1000;

/// A store of blobs and image snapshots.
///
/// Blobs are immutable and keyed by what they are made from; image snapshots are immutable and keyed by id. Of both
/// nothing is visible before it is whole and durable. Safe to use from any number of tasks, and of processes where the
/// store is a directory. Every method may fail with kind `Io`; no method waits longer than a bounded time.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Takes the right to make a blob, without waiting; `None` where somebody has it (or, for microseconds, where a
    /// sweep looks at what a dead owner left: ask again).
    ///
    /// Its last owner may have committed the blob: look for it once the claim is had. Wait for a claim with nothing in
    /// hand that an owner may need; an owner waits for no other claim.
    ///
    /// # Errors
    /// Kinds `NoSpace`, `Io`. Nothing stays behind.
    async fn claim(&self, key: &BlobKey) -> Result<Option<Box<dyn Claim>>>;

    /// The last sign of life of whoever has the claim on a key; `None` where nobody has it.
    ///
    /// # Errors
    /// Kind `Io`.
    async fn claim_beat(&self, key: &BlobKey) -> Result<Option<ClaimBeat>>;

    /// Begins an ingest, and names the key in the lease first, so that the blob is not collected once committed.
    /// Any number of ingests of one key may run; the first commit wins.
    ///
    /// # Errors
    /// Those of [`Lease::extend`]; kind `NoSpace`. Nothing stays behind.
    async fn begin(&self, lease: &dyn Lease, key: &BlobKey) -> Result<Box<dyn BlobWriter>>;

    /// What the store knows of a blob; `None` where it has none of this key.
    ///
    /// The answer holds only while a lease or a snapshot names the key: name it first, then ask.
    ///
    /// # Errors
    /// Kinds `Corrupt` (the sidecar does not parse or contradicts the blob) and `Unsupported` (a newer imc wrote it).
    async fn stat(&self, key: &BlobKey) -> Result<Option<BlobInfo>>;

    /// Opens a blob for reading.
    ///
    /// # Errors
    /// [`Error::NoBlob`] where there is none, and those of [`stat`](Self::stat).
    async fn open(&self, key: &BlobKey) -> Result<OpenBlob>;

    /// Where the blob of this key lies, or would lie, as a file of this machine that can be mounted; `None` where
    /// the store is not a directory. No I/O; whether the blob is there, [`stat`](Self::stat) says.
    fn local_path(&self, key: &BlobKey) -> Option<PathBuf>;

    /// Deletes a blob, whoever names it; `false` where there was none. For tests: what is merely no longer wanted goes by
    /// [`collect`](Self::collect), what is broken by [`discard_broken`](Self::discard_broken).
    ///
    /// # Errors
    /// Kinds `Busy`, `Io`.
    async fn delete(&self, key: &BlobKey) -> Result<bool>;

    /// Deletes a blob that [`stat`](Self::stat) calls corrupt, so that it can be made again; `false` where it is whole or
    /// absent. Whoever has it mounted keeps what is mounted.
    ///
    /// # Errors
    /// Kinds `Unsupported`, `Busy`, `Io`.
    async fn discard_broken(&self, key: &BlobKey) -> Result<bool>;

    /// Up to `limit` (at most [`PAGE_LIMIT`]) blobs in the order of their keys, beginning after the given key.
    /// An empty page is the end.
    ///
    /// # Errors
    /// Kind `Io`.
    async fn list_blobs(&self, after: Option<&BlobKey>, limit: usize) -> Result<Vec<BlobEntry>>;

    /// Checks a blob's bytes against its chunk table, where it has one, and its length.
    ///
    /// # Errors
    /// [`Error::NoBlob`]; kind `Corrupt` where anything differs. The blob stays.
    async fn verify(&self, key: &BlobKey) -> Result<Verified>;

    /// Commits an image snapshot. Putting an equal one again is no error.
    ///
    /// # Errors
    /// [`Error::MissingBlob`] where a blob that it names is absent, [`Error::SnapshotExists`] where another snapshot has
    /// its id; kinds `NoSpace`, `Busy`. Nothing is visible after an error (but see [`BlobWriter::commit`]).
    async fn put_snapshot(&self, snapshot: &ImageSnapshot) -> Result<()>;

    /// The image snapshot of this id; `None` where there is none.
    ///
    /// # Errors
    /// Kinds `Corrupt` and `Unsupported`.
    async fn get_snapshot(&self, id: ImageSnapshotId) -> Result<Option<ImageSnapshot>>;

    /// Up to `limit` (at most [`PAGE_LIMIT`]) ids of image snapshots in order, beginning after the given id.
    ///
    /// # Errors
    /// Kind `Io`.
    async fn list_snapshots(
        &self,
        after: Option<ImageSnapshotId>,
        limit: usize,
    ) -> Result<Vec<ImageSnapshotId>>;

    /// Deletes an image snapshot; `false` where there was none. Its blobs stay until a collection finds that
    /// nobody else names them.
    ///
    /// # Errors
    /// Kinds `Busy`, `Io`.
    async fn delete_snapshot(&self, id: ImageSnapshotId) -> Result<bool>;

    /// Takes a lease on these keys. `owner` says who and what for, for people.
    ///
    /// # Errors
    /// Kinds `NoSpace`, `Busy`, `Io`. Nothing stays behind.
    async fn lease(&self, owner: &str, keys: &[BlobKey], term: LeaseTerm) -> Result<Box<dyn Lease>>;

    /// The leases that hold at `now`.
    ///
    /// # Errors
    /// Kind `Corrupt`.
    async fn list_leases(&self, now: Timestamp) -> Result<Vec<LeaseInfo>>;

    /// Deletes every blob that no image snapshot, no lease holding at `now` and no mount names, and sweeps what dead
    /// processes left.
    ///
    /// # Errors
    /// Where a root cannot be read (kinds `Corrupt`, `Unsupported`) or `in_use` fails, nothing is deleted. Any
    /// other error ends the collection early; what was deleted was unnamed, and the next collection goes on.
    async fn collect(&self, in_use: std::sync::Arc<dyn InUse>, now: Timestamp) -> Result<CollectReport>;

    /// Room that is left.
    ///
    /// # Errors
    /// Kind `Io`.
    async fn free_space(&self) -> Result<Space>;
}

/// Refuses a listing's limit of zero, and cuts one that is too large.
pub(crate) fn page_size(limit: usize) -> Result<usize> {
    if limit == 0 { Err(Error::EmptyPage) } else { Ok(limit.min(PAGE_LIMIT)) }
}
