//! Why a store refused or failed.

use std::io;
use std::path::PathBuf;

use model::{BlobKey, ImageSnapshotId, LeaseId};
use rustix::io::Errno;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The thing asked for is not there: make it or name another.
    NotFound,
    /// No room (or no quota) left: free some (`imc gc`), then repeat.
    NoSpace,
    /// Another process has had the store locked for too long: look at that process, then repeat.
    Busy,
    /// What is stored does not agree with itself: delete the blob and build it again; never serve it.
    Corrupt,
    /// A newer imc wrote it: use that version.
    Unsupported,
    /// The caller broke the contract: a bug of the caller.
    Misuse,
    /// The device or the file system failed: repeat or give up.
    Io,
}

/// Why a store refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error("failed to {action} the {object} {path}", path = path.display())]
    File {
        /// The verb, as `create`.
        action: &'static str,
        /// What it was, as `ingest`.
        object: &'static str,
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A named step failed because a test asked for it.
    #[error("failed to pass the step `{step}`")]
    Step {
        /// The step's name.
        step: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A document in the store is not what it should be.
    #[error("failed to parse the {object} {path}", path = path.display())]
    Document {
        /// What it was, as `sidecar`.
        object: &'static str,
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A document that does not agree with where it lies or with what lies beside it.
    #[error("failed to use the {object} {path}: {why}", path = path.display())]
    Contradiction {
        /// What it was.
        object: &'static str,
        /// The path.
        path: PathBuf,
        /// What does not agree.
        why: String,
    },
    /// A document of a form that this imc does not know.
    #[error(
        "failed to read the {object} {path}: it has version {found}, this imc knows up to {known}; use a newer imc",
        path = path.display()
    )]
    Version {
        /// What it was.
        object: &'static str,
        /// The path.
        path: PathBuf,
        /// The version found.
        found: u64,
        /// The newest version known here.
        known: u32,
    },
    /// No blob of that key.
    #[error("failed to open the blob of {0}: the store has none")]
    NoBlob(BlobKey),
    /// A snapshot names a blob that the store does not have.
    #[error("failed to commit the image snapshot {snapshot}: the blob of {key} is not in the store")]
    MissingBlob {
        /// The snapshot.
        snapshot: ImageSnapshotId,
        /// The absent blob.
        key: BlobKey,
    },
    /// Another snapshot has that id.
    #[error("failed to commit the image snapshot {0}: the store has a different one of this id")]
    SnapshotExists(ImageSnapshotId),
    /// The bytes written are not as many as the sidecar says.
    #[error("failed to commit the blob of {key}: it has {found} bytes, its sidecar says {expected}")]
    SizeMismatch {
        /// The blob.
        key: BlobKey,
        /// Bytes in the file.
        found: u64,
        /// Bytes by the sidecar.
        expected: u64,
    },
    /// A document would be longer than the store reads back: what it describes could never be used again.
    #[error("failed to write the {object}: it has {size} bytes, more than the {limit} that are read back")]
    DocumentTooLong {
        /// What it was, as `sidecar`.
        object: &'static str,
        /// Its bytes.
        size: u64,
        /// The most bytes.
        limit: u64,
    },
    /// A chunk's bytes do not have the digest of the table.
    #[error("failed to verify the blob of {key}: the chunk at byte {offset} does not have its digest")]
    WrongChunk {
        /// The blob.
        key: BlobKey,
        /// Where the chunk begins.
        offset: u64,
    },
    /// The lease was released or its file is gone.
    #[error("failed to extend the lease {0}: it has ended")]
    LeaseEnded(LeaseId),
    /// Too many keys in one lease.
    #[error("failed to extend the lease {id}: it would name more than {limit} blobs")]
    LeaseFull {
        /// The lease.
        id: LeaseId,
        /// The most keys.
        limit: usize,
    },
    /// The store's lock was not to be had in time.
    #[error(
        "failed to lock the store {path} within {seconds} s: another process holds it",
        path = path.display()
    )]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// The caller could not say what is mounted.
    #[error("failed to learn which blobs are mounted")]
    InUse(#[source] io::Error),
    /// A page of nothing was asked for.
    #[error("failed to list the store: a page of zero entries was asked for")]
    EmptyPage,
    /// The blocking task that did the work panicked or was cancelled with its runtime.
    #[error("failed to finish the store's file operation")]
    Task(#[source] tokio::task::JoinError),
}

impl Error {
    /// What the caller does next.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::File { source, .. } | Self::Step { source, .. } => kind_of(source),
            Self::Document { .. } | Self::Contradiction { .. } | Self::WrongChunk { .. } => {
                ErrorKind::Corrupt
            }
            Self::Version { .. } => ErrorKind::Unsupported,
            Self::NoBlob(_) | Self::MissingBlob { .. } => ErrorKind::NotFound,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::SnapshotExists(_)
            | Self::SizeMismatch { .. }
            | Self::DocumentTooLong { .. }
            | Self::LeaseEnded(_)
            | Self::LeaseFull { .. }
            | Self::EmptyPage => ErrorKind::Misuse,
            Self::InUse(_) | Self::Task(_) => ErrorKind::Io,
        }
    }
}

/// Whether an I/O error says that there is no room.
fn kind_of(source: &io::Error) -> ErrorKind {
    match Errno::from_io_error(source) {
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => ErrorKind::NoSpace,
        _ => ErrorKind::Io,
    }
}
