//! Why a metastore refused or failed.

mod database;

use std::fmt;

use model::{
    AccountId, BuildId, ByteSize, CacheId, CacheName, GroupId, ImageSnapshotId, InstanceId, InstanceName,
    InstanceState, Origin, TagError, TransitionError,
};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The record asked for is not there: name another.
    NotFound,
    /// The records do not allow it as they are: tell the user why; repeating changes nothing.
    Refused,
    /// Another process held the records for too long, or their server cannot be reached: repeat.
    Busy,
    /// No room left: free some, then repeat.
    NoSpace,
    /// A newer imc wrote the records: use that version.
    Unsupported,
    /// A record does not parse: restore a backup.
    Corrupt,
    /// The device, the file system or the database failed: repeat or give up.
    Io,
}

/// Why a metastore refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No cache of that id.
    #[error("failed to find the cache {0}")]
    NoCache(CacheId),
    /// No cache of that name.
    #[error("failed to find a cache named `{0}`")]
    NoCacheOfName(CacheName),
    /// Instances hold the cache's snapshot.
    #[error("failed to delete the cache {cache}: in use by {}", names(instances))]
    CacheInUse {
        /// The cache.
        cache: CacheId,
        /// Some of them, at most 100.
        instances: Vec<InstanceName>,
    },
    /// A build of the cache waits or runs.
    #[error("failed to change the cache {cache}: the build {build} has not ended")]
    CacheBuilding {
        /// The cache.
        cache: CacheId,
        /// Its build that waits or runs.
        build: BuildId,
    },
    /// The deletion of the cache was asked for.
    #[error("failed to change the cache {0}: it is being deleted")]
    CacheDeleting(CacheId),
    /// The cache has no such earlier snapshot.
    #[error("failed to find the earlier image snapshot {snapshot} of the cache {cache}")]
    NoGeneration {
        /// The cache.
        cache: CacheId,
        /// The snapshot that it does not have.
        snapshot: ImageSnapshotId,
    },
    /// The account may have no further cache of that origin.
    #[error(
        "failed to create the cache: the account {account} may have {quota} {origin} caches and has them"
    )]
    QuotaReached {
        /// The account.
        account: AccountId,
        /// Which caches.
        origin: Origin,
        /// How many it may have.
        quota: u32,
        /// The cache that may be deleted to make room; `None`: none may.
        evictable: Option<CacheId>,
    },
    /// The client token was used for another request.
    #[error("failed to take the client token `{token}`: it was used for another request to {operation}")]
    TokenMismatch {
        /// The word.
        token: String,
        /// What it was used with.
        operation: &'static str,
    },
    /// The cache cannot have these tags beside those that it has.
    #[error("failed to change the tags of the cache {cache}")]
    Tags {
        /// The cache.
        cache: CacheId,
        /// Why.
        #[source]
        source: TagError,
    },
    /// What the cache serves takes more than that.
    #[error("failed to change the size of the cache {cache} to {limit}: its images take {unpacked}")]
    SizeTooSmall {
        /// The cache.
        cache: CacheId,
        /// What was asked for.
        limit: ByteSize,
        /// What its images take.
        unpacked: ByteSize,
    },
    /// The cache's life has no such step.
    #[error("failed to change the cache {cache}")]
    Transition {
        /// The cache.
        cache: CacheId,
        /// Which step.
        #[source]
        source: TransitionError,
    },
    /// No build of that id.
    #[error("failed to find the build {0}")]
    NoBuild(BuildId),
    /// The build has ended before.
    #[error("failed to end the build {0}: it has ended already")]
    BuildEnded(BuildId),
    /// Another process has claimed the build.
    #[error("failed to end the build {0}: another process took it over")]
    BuildLost(BuildId),
    /// No cache and no instance names that snapshot.
    #[error("failed to find the image snapshot {0}: no cache has it any more")]
    NoSnapshot(ImageSnapshotId),
    /// No instance of that id.
    #[error("failed to find the instance {0}")]
    NoInstance(InstanceId),
    /// No instance of that name.
    #[error("failed to find an instance named `{0}`")]
    NoInstanceOfName(InstanceName),
    /// No container group of that id.
    #[error("failed to find the container group {0}")]
    NoGroup(GroupId),
    /// Instances are of it.
    #[error("failed to remove the container group {0}: instances are of it")]
    GroupInUse(GroupId),
    /// Another instance has that name.
    #[error("failed to create the instance `{name}`: the name is taken by {by}")]
    NameTaken {
        /// The name.
        name: InstanceName,
        /// Who has it.
        by: InstanceId,
    },
    /// No account of that id.
    #[error("failed to find the account {0}")]
    NoAccount(AccountId),
    /// There is an account of that id.
    #[error("failed to create the account {0}: it is there already")]
    AccountTaken(AccountId),
    /// The instance's state does not allow it.
    #[error("failed to change the instance {id}: it is {state}")]
    InstanceState {
        /// The instance.
        id: InstanceId,
        /// The state that it is in.
        state: InstanceState,
    },
    /// The record contradicts one that is there, or itself: a bug of the caller, or a lying registry.
    #[error("failed to record the {object}: {why}")]
    Conflict {
        /// What, as `cache`.
        object: &'static str,
        /// Why.
        why: String,
    },
    /// A newer imc made the database.
    #[error(
        "failed to open the records {records}: they have version {found}, this imc knows up to {known}; use a newer imc"
    )]
    Version {
        /// The database: a path, or a URL without a password.
        records: String,
        /// The version found.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The database could not be opened.
    #[error("failed to open the records {records}")]
    Open {
        /// The database: a path, or a URL without a password.
        records: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A statement failed.
    #[error("failed to {action}")]
    Database {
        /// What was being done, as `begin the build`.
        action: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// There is no connection to the database: nothing was asked of it.
    #[error("failed to {action}")]
    NoConnection {
        /// What was to be done.
        action: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A column holds what no imc writes.
    #[error("failed to read the {column} of a record: `{value}`")]
    Column {
        /// Table and column.
        column: &'static str,
        /// What it holds.
        value: String,
    },
    /// A number too large for the database.
    #[error("failed to record the {what}: {value} is over 2^63")]
    Range {
        /// Which number.
        what: &'static str,
        /// The number.
        value: u64,
    },
    /// A test asked for this failure.
    #[error("failed to {action}: the test's plan says so")]
    Injected {
        /// The verb.
        action: &'static str,
        /// What kind of failure it plays.
        kind: ErrorKind,
    },
}

impl Error {
    /// What the caller does next.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoCache(_)
            | Self::NoCacheOfName(_)
            | Self::NoGeneration { .. }
            | Self::NoBuild(_)
            | Self::NoSnapshot(_)
            | Self::NoInstance(_)
            | Self::NoInstanceOfName(_)
            | Self::NoGroup(_)
            | Self::NoAccount(_) => ErrorKind::NotFound,
            Self::CacheInUse { .. }
            | Self::GroupInUse(_)
            | Self::CacheBuilding { .. }
            | Self::CacheDeleting(_)
            | Self::QuotaReached { .. }
            | Self::TokenMismatch { .. }
            | Self::Tags { .. }
            | Self::SizeTooSmall { .. }
            | Self::Transition { .. }
            | Self::BuildEnded(_)
            | Self::BuildLost(_)
            | Self::NameTaken { .. }
            | Self::AccountTaken(_)
            | Self::InstanceState { .. }
            | Self::Conflict { .. }
            | Self::Range { .. } => ErrorKind::Refused,
            Self::Version { .. } => ErrorKind::Unsupported,
            Self::Column { .. } => ErrorKind::Corrupt,
            Self::Open { source, .. } | Self::Database { source, .. } => database::kind_of(source),
            // Its server is away, or not there yet.
            Self::NoConnection { source: sqlx::Error::Io(_), .. } => ErrorKind::Busy,
            Self::NoConnection { source, .. } => database::kind_of(source),
            Self::Injected { kind, .. } => *kind,
        }
    }
}

/// Makes an error of a statement.
pub(crate) fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |source| Error::Database { action, source }
}

/// Another record has that id.
pub(crate) fn taken(object: &'static str, id: impl fmt::Display) -> Error {
    Error::Conflict { object, why: format!("the id {id} is taken") }
}

fn names(instances: &[InstanceName]) -> String {
    let names: Vec<String> = instances.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
