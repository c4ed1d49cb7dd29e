//! Records that only the metastore knows, and what its verbs take and give.

mod admission;
mod answer;
mod change;
mod credential;
mod filter;
mod token;

pub use admission::{Admission, Admitted, CacheEdit, ClientToken, ClientTokenError, Operation, TokenUse};
pub use answer::{AnswerKey, AnswerRequest, AnswerTurn};
pub use change::{Change, ChangeKind, ChangeNumber};
pub use credential::{CredentialOwner, SealedCredential};
pub use filter::{CacheFilter, InstanceFilter, Order, Page};
pub use token::{TokenId, TokenRecord};

use model::{
    AccountId, BlobDigest, BuildFailure, BuildId, ByteSize, CacheId, CacheName, CacheState, DiffId,
    ImageCache, ImageSnapshot, ImageSnapshotId, ImageSource, Instance, InstanceId, InstanceName, Platform,
    SnapshotSummary, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::ProcessIdentity;

/// Where a build is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BuildState {
    /// It waits for a process that takes it.
    Queued,
    /// Its owner works on it, or died over it.
    Running,
    /// Its snapshot is the cache's.
    Succeeded,
    /// It ended without a snapshot.
    Failed,
}

impl BuildState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Succeeded, Self::Failed];

    /// The name as printed and stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
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
    /// Who owns the cache.
    pub account: AccountId,
    /// What it makes the snapshot from.
    pub plan: BuildPlan,
    /// Where it is in its life.
    pub state: BuildState,
    /// The process that runs it; `None` while it waits for one.
    pub owner: Option<ProcessIdentity>,
    /// How many processes have run it, the owner included.
    pub attempts: u32,
    /// When its owner last gave a sign of life; where it waits, when it began to.
    pub beat: Timestamp,
    /// Whether somebody asked it to end: its owner is told with the next sign of life.
    pub cancelled: bool,
    /// When it was asked for.
    pub queued: Timestamp,
    /// When its first owner began.
    pub started: Option<Timestamp>,
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
    /// What it makes the snapshot from.
    pub plan: BuildPlan,
    /// The process that runs it from now on; `None`: it waits for one that takes it.
    pub owner: Option<ProcessIdentity>,
    /// When it is asked for.
    pub now: Timestamp,
}

/// What a build makes a snapshot from. It becomes the cache's when the build ends well, so that a failed update leaves what
/// is served and what is said of it together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildPlan {
    /// The images.
    pub images: Vec<ImageSource>,
    /// The most that they may take unpacked.
    pub size_limit: ByteSize,
}

/// What the owner of a build is told when it gives a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Go on.
    GoOn,
    /// Somebody asked it to end.
    Cancelled,
    /// The build is another's by now, has ended, or is gone with its cache.
    Lost,
}

/// How many builds may run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turns {
    /// Of one account, over all servers.
    pub per_account: u32,
}

/// A page of a listing of caches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheListing {
    /// The caches.
    pub caches: Vec<ImageCache>,
    /// Whether there are more behind them.
    pub more: bool,
    /// How many there are on all pages.
    pub total: u64,
}

impl CacheListing {
    /// Of what was found for the page, and may be one more than it holds.
    pub(crate) fn of(mut found: Vec<ImageCache>, page: &Page<CacheId>, total: u64) -> Self {
        let most = page.records() as usize;
        let more = found.len() > most;
        found.truncate(most);
        Self { caches: found, more, total }
    }
}

/// How many caches an account has of each origin, those that are being deleted left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Created by users.
    pub manual: u64,
    /// Created by starts.
    pub automatic: u64,
}

/// An image snapshot as indexed: its document is in the blob store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotRecord {
    /// Its id.
    pub id: ImageSnapshotId,
    /// When it was made.
    pub created: Timestamp,
    /// Unpacked bytes of its layers, each counted once.
    pub size: ByteSize,
    /// What matching and accounting look at, without the document.
    pub summary: SnapshotSummary,
}

impl From<&ImageSnapshot> for SnapshotRecord {
    fn from(snapshot: &ImageSnapshot) -> Self {
        Self {
            id: snapshot.id,
            created: snapshot.created,
            size: snapshot.unpacked_size(),
            summary: SnapshotSummary::from(snapshot),
        }
    }
}

/// What an index in memory keeps of a cache: little enough to be read of all of them at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheOutline {
    /// Its id.
    pub id: CacheId,
    /// Who owns it.
    pub account: AccountId,
    /// Where it is in its life.
    pub state: CacheState,
    /// When it was created.
    pub created: Timestamp,
    /// The most that its images may take unpacked.
    pub size_limit: ByteSize,
    /// What its images are for.
    pub platform: Platform,
    /// What it serves.
    pub snapshot: Option<ImageSnapshotId>,
    /// What it can go back to.
    pub generations: Vec<ImageSnapshotId>,
    /// Whether its deletion was asked for: it serves no new start.
    pub is_deleting: bool,
}

/// A cache, and what is indexed of the image snapshot that it serves.
pub type OutlineAndSummary = (CacheOutline, Option<model::PackedSummary>);

impl From<&ImageCache> for CacheOutline {
    fn from(cache: &ImageCache) -> Self {
        Self {
            id: cache.id,
            account: cache.account.clone(),
            state: cache.state,
            created: cache.created,
            size_limit: cache.size_limit,
            platform: cache.platform.clone(),
            snapshot: cache.snapshot,
            generations: cache.generations.iter().map(|generation| generation.snapshot).collect(),
            is_deleting: cache.deleting.is_some(),
        }
    }
}

/// A cache after a change, and the snapshot that the change let go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheChange {
    /// The cache as it is now (as it was last, where it was deleted).
    pub cache: ImageCache,
    /// Snapshots that no cache and no instance names any more: their documents are to be deleted from the store.
    pub released: Vec<ImageSnapshotId>,
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
    /// By name, which several caches of the account may have.
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

/// The most records that one page holds.
pub const PAGE_LIMIT: u32 = 1000;

/// The most events kept of one subject; the oldest go first.
pub const EVENTS_PER_SUBJECT: u32 = 200;

/// The most other caches of a name that [`ResolvedCache`] tells.
pub const OTHERS_LIMIT: u32 = 100;

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
