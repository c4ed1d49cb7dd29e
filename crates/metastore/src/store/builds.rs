//! Builds: asked for, taken in turns, ended, taken over.

use async_trait::async_trait;
use model::{BuildFailure, BuildId, CacheId, Event, ImageCache, Percent, SnapshotCopies, Timestamp};

use crate::{Beat, Build, CacheChange, NewBuild, Page, ProcessIdentity, Result, SnapshotRecord, Turns};

/// Builds: asked for, taken in turns, ended, taken over. What holds of every verb stands at [`Metastore`](crate::Metastore).
#[async_trait]
pub trait BuildVerbs: Send + Sync {
    /// Asks for a further build, or begins it where it has an owner: the cache steps to `Updating` (or, never built, to
    /// `Creating` with its owner), and its former failure is cleared. The records of its builds that have ended go: of each cache
    /// the last one that ended is kept, and that until the next.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache); [`CacheBuilding`](crate::Error::CacheBuilding) where one waits or runs;
    /// [`CacheDeleting`](crate::Error::CacheDeleting);
    /// [`Transition`](crate::Error::Transition) where the cache's state does not allow it.
    async fn begin_build(&self, build: &NewBuild, events: &[Event]) -> Result<ImageCache>;

    /// Takes the build whose turn it is: of the accounts with builds waiting and fewer running than `turns` allows, that with
    /// the fewest running (of equals, the one that has waited longest), and its oldest. The cache steps to `Creating` where it
    /// was `Preparing`. `None` where nobody's turn it is. Any number of processes may ask at once; each build goes to one.
    ///
    /// # Errors
    /// Only the common ones.
    async fn take_queued_build(
        &self,
        owner: &ProcessIdentity,
        turns: Turns,
        now: Timestamp,
    ) -> Result<Option<Build>>;

    /// Notes that a build's owner works on it and how far it is. It leaves a change only where the progress is another.
    ///
    /// # Errors
    /// Only the common ones.
    async fn beat_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        progress: Percent,
        now: Timestamp,
    ) -> Result<Beat>;

    /// Asks a running build to end; its owner is told with its next [`beat_build`](Self::beat_build). One that waits is
    /// failed at once. One that has ended, or is unknown, is left.
    ///
    /// # Errors
    /// Only the common ones.
    async fn cancel_build(
        &self,
        id: BuildId,
        failure: &BuildFailure,
        events: &[Event],
        now: Timestamp,
    ) -> Result<()>;

    /// Ends a build well: the snapshot is indexed and becomes the cache's, its plan becomes the cache's as well, and the cache
    /// steps to `Ready`. The snapshot before it becomes a generation until `keep`, or is let go where that is `None`. Call it
    /// after the store has committed the snapshot's document. `owner` must be the build's: who lost it to a claim may not.
    ///
    /// # Errors
    /// [`NoBuild`](crate::Error::NoBuild); [`BuildEnded`](crate::Error::BuildEnded);
    /// [`BuildLost`](crate::Error::BuildLost); [`Conflict`](crate::Error::Conflict) where the snapshot is not the build's.
    #[allow(clippy::too_many_arguments, reason = "one transaction says all of it")]
    async fn finish_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        snapshot: &SnapshotRecord,
        copies: SnapshotCopies,
        keep: Option<Timestamp>,
        events: &[Event],
        now: Timestamp,
    ) -> Result<CacheChange>;

    /// Ends a build badly (cancelled too): the cache steps to `Failed` or `UpdateFailed` and keeps the reason.
    ///
    /// # Errors
    /// [`NoBuild`](crate::Error::NoBuild); [`BuildEnded`](crate::Error::BuildEnded); [`BuildLost`](crate::Error::BuildLost).
    async fn fail_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        failure: &BuildFailure,
        events: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache>;

    /// The build of this id. One that has ended is there until [a further one](Self::begin_build) of its cache is asked for.
    ///
    /// # Errors
    /// [`NoBuild`](crate::Error::NoBuild).
    async fn build(&self, id: BuildId) -> Result<Build>;

    /// The build of a cache that waits or runs; `None` where none does.
    ///
    /// # Errors
    /// Only the common ones.
    async fn build_of_cache(&self, cache: CacheId) -> Result<Option<Build>>;

    /// The builds of these caches that wait or run, in order.
    ///
    /// # Errors
    /// Only the common ones.
    async fn unfinished_builds(&self, caches: &[CacheId]) -> Result<Vec<Build>>;

    /// One page of the builds in state `Running`, whether their owners live or not.
    ///
    /// # Errors
    /// Only the common ones.
    async fn running_builds(&self, page: Page<BuildId>) -> Result<Vec<Build>>;

    /// How many builds run.
    ///
    /// # Errors
    /// Only the common ones.
    async fn count_running_builds(&self) -> Result<u64>;

    /// Takes a running build over from an owner that died; `None` where it ended, is gone with its cache, or somebody else
    /// took it first. See [`claim_interrupted_builds`](crate::claim_interrupted_builds) for all of them.
    ///
    /// # Errors
    /// Only the common ones.
    async fn claim_build(
        &self,
        id: BuildId,
        from: &ProcessIdentity,
        to: &ProcessIdentity,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Option<Build>>;
}
