//! What becomes of caches.

use async_trait::async_trait;
use model::{
    AccountId, BuildFailure, CacheId, Event, ImageCache, ImageSnapshotId, Savings, SnapshotCopies, Timestamp,
};

use crate::{
    Admission, Admitted, CacheChange, CacheEdit, CacheFilter, CacheListing, CacheOutline, CacheRef, NewBuild,
    OutlineAndSummary, Page, ResolvedCache, Result, TokenUse, Usage,
};

/// What becomes of caches. What holds of every verb stands at [`Metastore`](crate::Metastore).
#[async_trait]
pub trait CacheVerbs: Send + Sync {
    /// Records a cache and asks for its first build, in one: no crash leaves a cache that nobody builds.
    ///
    /// The cache is `Preparing` while its build waits for an owner, and `Creating` as soon as it has one. A client token that
    /// was used before for the same gives that cache back, and nothing is recorded.
    ///
    /// # Errors
    /// [`TokenMismatch`](crate::Error::TokenMismatch); [`QuotaReached`](crate::Error::QuotaReached), naming the cache that
    /// may be deleted for it; [`Conflict`](crate::Error::Conflict) where an id is taken, or the cache is not new.
    async fn create_cache(
        &self,
        cache: &ImageCache,
        build: &NewBuild,
        admission: &Admission,
        events: &[Event],
    ) -> Result<Admitted>;

    /// The cache of this id.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache).
    async fn cache(&self, id: CacheId) -> Result<ImageCache>;

    /// The account's cache that the user means; the rule is at [`ResolvedCache`]. An id of another account is as if unknown.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache), [`NoCacheOfName`](crate::Error::NoCacheOfName).
    async fn resolve_cache(&self, account: &AccountId, wanted: &CacheRef) -> Result<ResolvedCache>;

    /// One page of the caches that the filter lets through, in order of creation.
    ///
    /// # Errors
    /// Only the common ones.
    async fn find_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<Vec<ImageCache>>;

    /// One page of a listing: the caches as [`find_caches`](Self::find_caches) gives them, whether there are more behind it, and
    /// how many the filter lets through altogether.
    ///
    /// # Errors
    /// Only the common ones.
    async fn list_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<CacheListing>;

    /// One page of all caches, each with what an index in memory keeps of it. Errors: only the common ones.
    async fn outline_caches(&self, page: Page<CacheId>) -> Result<Vec<CacheOutline>>;

    /// One page of all caches, each with what is indexed of the snapshot that it serves. Errors: only the common ones.
    async fn outline_caches_and_snapshots(&self, page: Page<CacheId>) -> Result<Vec<OutlineAndSummary>>;

    /// How many caches the filter lets through.
    ///
    /// # Errors
    /// Only the common ones.
    async fn count_caches(&self, filter: &CacheFilter) -> Result<u64>;

    /// How many caches count against an account's quotas.
    ///
    /// # Errors
    /// Only the common ones.
    async fn usage(&self, account: &AccountId) -> Result<Usage>;

    /// Changes what is said of a cache at once, and asks for a further build where one is given (it steps to `Updating` then).
    /// A client token that was used before for the same gives the cache back, and nothing is changed.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache); [`TokenMismatch`](crate::Error::TokenMismatch);
    /// [`CacheDeleting`](crate::Error::CacheDeleting); with a build those of [`begin_build`](Self::begin_build).
    async fn update_cache(
        &self,
        id: CacheId,
        edit: &CacheEdit,
        build: Option<&NewBuild>,
        token: Option<&TokenUse>,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Admitted>;

    /// Notes that an instance started from the cache and what that spared; the time never moves back.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache).
    async fn touch_cache_used(&self, id: CacheId, saved: Savings, now: Timestamp) -> Result<()>;

    /// Notes that the tags of a cache were compared with the registry.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache).
    async fn note_cache_checked(&self, id: CacheId, events: &[Event], now: Timestamp) -> Result<()>;

    /// Notes where the copies of a snapshot are; `false` where the cache no longer serves that snapshot, or is gone.
    ///
    /// # Errors
    /// Only the common ones.
    async fn note_copies(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        copies: SnapshotCopies,
        events: &[Event],
    ) -> Result<bool>;

    /// Makes a cache `Failed` whose snapshot is gone from the store; its generations stay. `false` where it serves another one by
    /// now, or is gone.
    ///
    /// # Errors
    /// [`CacheBuilding`](crate::Error::CacheBuilding): the build brings another.
    async fn lose_snapshot(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        failure: &BuildFailure,
        events: &[Event],
        now: Timestamp,
    ) -> Result<bool>;

    /// Makes a cache serve an earlier snapshot again; the present one becomes a generation, kept until then. The cache is `Ready`
    /// afterwards, also after an update that failed or a snapshot that was lost. Where the copies of the earlier one are is not
    /// known: note them.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache); [`NoGeneration`](crate::Error::NoGeneration);
    /// [`CacheBuilding`](crate::Error::CacheBuilding); [`CacheDeleting`](crate::Error::CacheDeleting).
    async fn roll_back_cache(
        &self,
        id: CacheId,
        to: ImageSnapshotId,
        kept_until: Timestamp,
        events: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache>;

    /// Lets generations of a cache go; those that it does not have are passed over.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache).
    async fn drop_generations(
        &self,
        id: CacheId,
        snapshots: &[ImageSnapshotId],
        events: &[Event],
    ) -> Result<CacheChange>;

    /// Asks for a cache's deletion as soon as nothing uses it. It serves no new start from now on, its waiting build is
    /// failed and its running one asked to end. Asking again changes nothing.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache).
    async fn ask_deletion(&self, id: CacheId, events: &[Event], now: Timestamp) -> Result<ImageCache>;

    /// Deletes a cache with its builds, generations and credentials. Its events stay until
    /// [`forget_events`](Self::forget_events). A build that still waits for an owner is no hindrance.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache); [`CacheInUse`](crate::Error::CacheInUse), naming the instances that hold its
    /// snapshot or one of its generations; [`CacheBuilding`](crate::Error::CacheBuilding).
    async fn delete_cache(&self, id: CacheId, events: &[Event]) -> Result<CacheChange>;

    /// Drops client tokens whose time is over; returns how many.
    ///
    /// # Errors
    /// Only the common ones.
    async fn forget_client_tokens(&self, now: Timestamp) -> Result<u64>;
}
