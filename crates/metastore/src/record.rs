//! Records that only the metastore knows, and what its verbs take and give.

use model::{
    BlobDigest, BuildFailure, BuildId, ByteSize, CacheId, CacheName, CacheState, DiffId, ImageCache,
    ImageSnapshotId, Instance, InstanceId, InstanceName, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::ProcessIdentity;

/// Where a build is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BuildState {
    /// Its owner works on it, or died over it.
    Running,
    /// Its snapshot is the cache's.
    Succeeded,
    /// It ended without a snapshot.
    Failed,
}

impl BuildState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Running, Self::Succeeded, Self::Failed];

    /// The name as printed and stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }
}

/// A build as recorded: the making of one image snapshot for one cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Its id.
    pub id: BuildId,
    /// The cache that it is for.
    pub cache: CacheId,
    /// The id that its snapshot will have, fixed beforehand so that a document without a record can be told apart.
    pub snapshot: ImageSnapshotId,
    /// Where it is in its life.
    pub state: BuildState,
    /// The process that runs it.
    pub owner: ProcessIdentity,
    /// How many processes have run it, the owner included.
    pub attempts: u32,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// Why it failed, if it did.
    pub failure: Option<BuildFailure>,
}

/// A build to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBuild {
    /// Its id.
    pub id: BuildId,
    /// The cache that it is for.
    pub cache: CacheId,
    /// The id that its snapshot will have.
    pub snapshot: ImageSnapshotId,
    /// The process that runs it.
    pub owner: ProcessIdentity,
    /// When it begins.
    pub started: Timestamp,
}

/// An image snapshot as indexed: its document is in the blob store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotRecord {
    /// Its id.
    pub id: ImageSnapshotId,
    /// When it was made.
    pub created: Timestamp,
    /// Unpacked bytes of its layers, each counted once.
    pub size: ByteSize,
}

/// A cache after a change, and the snapshot that the change let go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheChange {
    /// The cache as it is now (as it was last, where it was deleted).
    pub cache: ImageCache,
    /// A snapshot that no cache and no instance names any more: its document is to be deleted from the store.
    pub released: Option<ImageSnapshotId>,
}

/// An instance that was removed, and the snapshot that it was the last to name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceRemoval {
    /// The instance as it was last.
    pub instance: Instance,
    /// A snapshot that no cache and no instance names any more: its document is to be deleted from the store.
    pub released: Option<ImageSnapshotId>,
}

/// A user's word for a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheRef {
    /// By id.
    Id(CacheId),
    /// By name, which several caches may have.
    Name(CacheName),
}

/// The cache that a user's word means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedCache {
    /// By id, that one; by name, the newest usable one, or the newest of all where none is usable.
    pub cache: ImageCache,
    /// Further caches of that name, newest first (at most 100). Who deletes must refuse where there are any.
    pub others: Vec<CacheId>,
}

/// A user's word for an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceRef {
    /// By id.
    Id(InstanceId),
    /// By name.
    Name(InstanceName),
}

/// Which caches to find. The default finds all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheFilter {
    /// Only those of this name.
    pub name: Option<CacheName>,
    /// Only those in this state.
    pub state: Option<CacheState>,
    /// Only those that serve this snapshot.
    pub snapshot: Option<ImageSnapshotId>,
}

/// Which instances to find. The default finds all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceFilter {
    /// Only those that hold this snapshot.
    pub snapshot: Option<ImageSnapshotId>,
    /// Only those started from this cache.
    pub cache: Option<CacheId>,
    /// Only those that have not ended.
    pub unfinished: bool,
}

/// One page of a listing, in the order of the ids, which is the order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<Id> {
    /// Begin after this id.
    pub after: Option<Id>,
    /// The most records; cut to [`PAGE_LIMIT`].
    pub limit: u32,
}

/// The most records that one page holds.
pub const PAGE_LIMIT: u32 = 1000;

/// The most events kept of one subject; the oldest go first.
pub const EVENTS_PER_SUBJECT: u32 = 200;

/// The most other caches of a name that [`ResolvedCache`] tells.
pub const OTHERS_LIMIT: u32 = 100;

impl<Id> Page<Id> {
    /// The first page, as large as pages are.
    #[must_use]
    pub fn first() -> Self {
        Self { after: None, limit: PAGE_LIMIT }
    }

    /// The page after that id, as large as pages are.
    #[must_use]
    pub fn after(id: Id) -> Self {
        Self { after: Some(id), limit: PAGE_LIMIT }
    }
}

/// A layer as recorded: a fact about bytes that stays true whether its blob is in the store or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerRecord {
    /// Digest of its uncompressed tar.
    pub diff_id: DiffId,
    /// A digest under which a registry served it.
    pub blob: BlobDigest,
    /// Length as served.
    pub compressed_size: ByteSize,
    /// Length of the tar.
    pub tar_size: ByteSize,
    /// Length of its EROFS blob.
    pub blob_size: ByteSize,
    /// When this was learned.
    pub recorded: Timestamp,
}
