//! The contract of every metastore: domain verbs, one transaction each.

use async_trait::async_trait;
use model::{
    BlobDigest, BuildFailure, BuildId, CacheId, DiffId, Event, ExitStatus, ImageCache, ImageSnapshotId,
    Instance, InstanceId, Subject, Timestamp,
};

use crate::{
    Build, CacheChange, CacheFilter, CacheRef, InstanceFilter, InstanceRef, InstanceRemoval, LayerRecord,
    NewBuild, Page, ProcessIdentity, ResolvedCache, Result, SnapshotRecord,
};

/// The records of one data directory or one server.
///
/// Each verb is one transaction: after an error nothing of it happened. Each may fail with kind `Busy`, `NoSpace`
/// or `Io` beside what it names. Times are the caller's. Verbs that carry events write them in the same transaction.
///
/// Durable when they return: the verbs that create or change caches and builds, and those that may release a snapshot. The
/// others (starts and ends of instances, uses, layers, lone events) are atomic and seen by everyone at once, but a power loss
/// may undo the last of them: no instance survives it either, and what was learned is learned again.
#[async_trait]
pub trait Metastore: Send + Sync {
    /// Records a cache. It is `Preparing`, without a snapshot.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) where the id is taken, or the cache is in another state.
    async fn create_cache(&self, cache: &ImageCache, events: &[Event]) -> Result<()>;

    /// Records a cache and begins its first build, in one: no crash leaves a cache that nobody builds.
    /// Returns the cache, which is `Creating`.
    ///
    /// # Errors
    /// As [`create_cache`](Self::create_cache) and [`begin_build`](Self::begin_build).
    async fn create_cache_with_build(
        &self,
        cache: &ImageCache,
        build: &NewBuild,
        events: &[Event],
    ) -> Result<ImageCache>;

    /// The cache of this id.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache).
    async fn cache(&self, id: CacheId) -> Result<ImageCache>;

    /// The cache that the user means; the rule is at [`ResolvedCache`].
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache), [`NoCacheOfName`](crate::Error::NoCacheOfName).
    async fn resolve_cache(&self, wanted: &CacheRef) -> Result<ResolvedCache>;

    /// One page of the caches that the filter lets through, in order of creation.
    ///
    /// # Errors
    /// Only the common ones.
    async fn find_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<Vec<ImageCache>>;

    /// Notes that an instance started from the cache; never moves back.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache).
    async fn touch_cache_used(&self, id: CacheId, now: Timestamp) -> Result<()>;

    /// Deletes a cache with its builds. Its events stay until [`forget_events`](Self::forget_events).
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache); [`CacheInUse`](crate::Error::CacheInUse), naming the instances that hold its
    /// snapshot; [`CacheBuilding`](crate::Error::CacheBuilding).
    async fn delete_cache(&self, id: CacheId, events: &[Event]) -> Result<CacheChange>;

    /// Begins a build: the cache steps to `Creating` or `Updating`, and its former failure is cleared.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache); [`CacheBuilding`](crate::Error::CacheBuilding) where one runs;
    /// [`Transition`](crate::Error::Transition) where the cache's state does not allow it.
    async fn begin_build(&self, build: &NewBuild, events: &[Event]) -> Result<ImageCache>;

    /// Ends a build well: the snapshot is indexed and becomes the cache's, which steps to `Ready`. Call it after
    /// the store has committed the snapshot's document. `owner` must be the build's: who lost it to a claim may not.
    ///
    /// # Errors
    /// [`NoBuild`](crate::Error::NoBuild); [`BuildEnded`](crate::Error::BuildEnded);
    /// [`BuildLost`](crate::Error::BuildLost); [`Conflict`](crate::Error::Conflict) where the snapshot is not the build's.
    async fn finish_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        snapshot: &SnapshotRecord,
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

    /// The build of this id.
    ///
    /// # Errors
    /// [`NoBuild`](crate::Error::NoBuild).
    async fn build(&self, id: BuildId) -> Result<Build>;

    /// One page of the builds in state `Running`, whether their owners live or not.
    ///
    /// # Errors
    /// Only the common ones.
    async fn running_builds(&self, page: Page<BuildId>) -> Result<Vec<Build>>;

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
    ) -> Result<Option<Build>>;

    /// Every snapshot that a cache or an instance names or that a running build will commit, in order. Documents in the
    /// store that were listed *before* this call and are not in the answer belong to nobody and may be deleted.
    ///
    /// # Errors
    /// Only the common ones.
    async fn retained_snapshots(&self) -> Result<Vec<ImageSnapshotId>>;

    /// What is indexed of a snapshot; `None` where nothing is.
    ///
    /// # Errors
    /// Only the common ones.
    async fn snapshot(&self, id: ImageSnapshotId) -> Result<Option<SnapshotRecord>>;

    /// Records what a served layer is. Recording the same again is no error.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) where the served digest is recorded with another diff id: one of them lies.
    async fn record_layer(&self, layer: &LayerRecord) -> Result<()>;

    /// The layer that a registry serves under this digest, where it was fetched before.
    ///
    /// # Errors
    /// Only the common ones.
    async fn layer_by_blob(&self, blob: &BlobDigest) -> Result<Option<LayerRecord>>;

    /// Every recorded way in which a layer is served (at most 100).
    ///
    /// # Errors
    /// Only the common ones.
    async fn layers_by_diff_id(&self, diff_id: &DiffId) -> Result<Vec<LayerRecord>>;

    /// Records an instance, `Creating`. It holds its snapshot from now on.
    ///
    /// # Errors
    /// [`NameTaken`](crate::Error::NameTaken); [`NoSnapshot`](crate::Error::NoSnapshot) where no cache or instance
    /// names its snapshot (any more); [`Conflict`](crate::Error::Conflict) where the id is taken or it is in another state.
    async fn create_instance(&self, instance: &Instance, events: &[Event]) -> Result<()>;

    /// Notes that the instance's first process runs; also of one that was taken for ended and whose end nobody saw.
    ///
    /// # Errors
    /// [`NoInstance`](crate::Error::NoInstance); [`InstanceState`](crate::Error::InstanceState) unless it is `Creating`
    /// or `Exited` in an unknown way.
    async fn instance_started(
        &self,
        id: InstanceId,
        pid: u32,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Instance>;

    /// Notes how the instance ended. Where that is known already, the first observer's word stays, no event is written,
    /// and the record is returned as it is; only `Unknown` gives way to a known status.
    ///
    /// # Errors
    /// [`NoInstance`](crate::Error::NoInstance).
    async fn instance_exited(
        &self,
        id: InstanceId,
        status: ExitStatus,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Instance>;

    /// Removes an instance that has ended. Its events stay until [`forget_events`](Self::forget_events).
    ///
    /// # Errors
    /// [`NoInstance`](crate::Error::NoInstance); [`InstanceState`](crate::Error::InstanceState) unless it is `Exited`.
    async fn remove_instance(&self, id: InstanceId, events: &[Event]) -> Result<InstanceRemoval>;

    /// The instance that the user means.
    ///
    /// # Errors
    /// [`NoInstance`](crate::Error::NoInstance), [`NoInstanceOfName`](crate::Error::NoInstanceOfName).
    async fn instance(&self, wanted: &InstanceRef) -> Result<Instance>;

    /// One page of the instances that the filter lets through, in order of creation.
    ///
    /// # Errors
    /// Only the common ones.
    async fn find_instances(&self, filter: &InstanceFilter, page: Page<InstanceId>) -> Result<Vec<Instance>>;

    /// Writes events. An event equal to one of the same subject (kind, reason, message) is counted there; over
    /// [`EVENTS_PER_SUBJECT`](crate::EVENTS_PER_SUBJECT) the subject's oldest go, those of single layers
    /// ([`EventReason::is_of_a_layer`](model::EventReason::is_of_a_layer)) before all others.
    ///
    /// # Errors
    /// Only the common ones.
    async fn append_events(&self, events: &[Event]) -> Result<()>;

    /// The events of a subject, by when they last happened.
    ///
    /// # Errors
    /// Only the common ones.
    async fn events(&self, subject: Subject) -> Result<Vec<Event>>;

    /// Drops the events of deleted caches and removed instances that last happened before that instant; returns how many.
    ///
    /// # Errors
    /// Only the common ones.
    async fn forget_events(&self, before: Timestamp) -> Result<u64>;
}

/// Takes over every running build whose owner is dead, and leaves an event with each.
///
/// The builds returned are the caller's to resume or to fail. `is_alive` tells whether a build's owner still works on it,
/// and must say true where it does not know.
///
/// # Errors
/// Those of the metastore; builds claimed before the error stay claimed, and are found again by a later call of
/// another process, or by [`Metastore::running_builds`].
pub async fn claim_interrupted_builds(
    metastore: &dyn Metastore,
    claimant: &ProcessIdentity,
    is_alive: &(dyn Fn(&Build) -> bool + Sync),
    now: Timestamp,
) -> Result<Vec<Build>> {
    let mut claimed = Vec::new();
    let mut page = Page::first();
    loop {
        let running = metastore.running_builds(page).await?;
        let Some(last) = running.last() else { return Ok(claimed) };
        page = Page::after(last.id);
        for build in running.into_iter().filter(|build| build.owner != *claimant && !is_alive(build)) {
            let event = interruption(&build, now);
            claimed.extend(metastore.claim_build(build.id, &build.owner, claimant, &[event]).await?);
        }
    }
}

fn interruption(build: &Build, now: Timestamp) -> Event {
    let message = format!("process {} ended in the middle of build {}", build.owner.pid, build.id);
    Event::once(
        Subject::Cache(build.cache),
        model::EventKind::Warning,
        model::EventReason::BuildInterrupted,
        message,
        now,
    )
}
