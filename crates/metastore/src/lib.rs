//! Records of caches, builds, image snapshots, layers, instances and events, behind domain verbs.

#[cfg(feature = "test-suite")]
pub mod conformance;
mod error;
#[cfg(feature = "test-suite")]
pub mod fault;
mod memory;
mod process;
mod record;
mod rules;
mod sqlite;
mod store;

pub use error::{Error, ErrorKind, Result};
pub use memory::MemoryMetastore;
pub use process::ProcessIdentity;
pub use record::{
    Build, BuildState, CacheChange, CacheFilter, CacheRef, EVENTS_PER_SUBJECT, InstanceFilter, InstanceRef,
    InstanceRemoval, LayerRecord, NewBuild, OTHERS_LIMIT, PAGE_LIMIT, Page, ResolvedCache, SnapshotRecord,
};
pub use sqlite::SqliteMetastore;
pub use store::{Metastore, claim_interrupted_builds};
