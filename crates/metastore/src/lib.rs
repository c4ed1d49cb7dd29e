//! Records of caches, builds, image snapshots, layers, instances and events, behind domain verbs.

mod error;
mod process;
mod record;
mod store;

pub use error::{Error, ErrorKind, Result};
pub use process::ProcessIdentity;
pub use record::{
    Build, BuildState, CacheChange, CacheFilter, CacheRef, EVENTS_PER_SUBJECT, InstanceFilter, InstanceRef,
    InstanceRemoval, LayerRecord, NewBuild, OTHERS_LIMIT, PAGE_LIMIT, Page, ResolvedCache, SnapshotRecord,
};
pub use store::{Metastore, claim_interrupted_builds};
