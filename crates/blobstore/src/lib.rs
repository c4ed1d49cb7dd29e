//! The store of EROFS blobs and image snapshots.

mod chunk;
mod directory;
mod error;
pub mod fault;
mod sidecar;
mod store;

pub use directory::{DirectoryOptions, DirectoryStore, Steps};
pub use error::{Error, ErrorKind, Result};
pub use sidecar::{ChunkTable, Sidecar};
pub use store::{
    BlobEntry, BlobInfo, BlobStore, BlobWriter, CollectReport, Committed, InUse, Lease, LeaseInfo, LeaseTerm,
    OpenBlob, PAGE_LIMIT, Space, Verified,
};
