//! The store of EROFS blobs and image snapshots.

mod chunk;
#[cfg(feature = "test-suite")]
pub mod conformance;
mod directory;
mod error;
pub mod fault;
#[cfg(feature = "test-suite")]
mod fault_store;
mod memory;
mod sidecar;
mod store;

pub use directory::{DirectoryOptions, DirectoryStore, Steps};
pub use error::{Error, ErrorKind, Result};
#[cfg(feature = "test-suite")]
pub use fault_store::{FaultPlan, FaultStore};
pub use memory::MemoryStore;
pub use sidecar::{ChunkTable, Sidecar};
pub use store::{
    BlobEntry, BlobInfo, BlobStore, BlobWriter, CollectReport, Committed, InUse, Lease, LeaseInfo, LeaseTerm,
    OpenBlob, PAGE_LIMIT, Space, Verified,
};
