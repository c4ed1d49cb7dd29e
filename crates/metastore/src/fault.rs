//! A metastore that fails by plan, for tests of what uses one.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use model::{
    BlobDigest, BuildFailure, BuildId, CacheId, DiffId, Event, ExitStatus, ImageCache, ImageSnapshotId,
    Instance, InstanceId, Subject, Timestamp,
};

use crate::{
    Build, CacheChange, CacheFilter, CacheRef, Error, ErrorKind, InstanceFilter, InstanceRef,
    InstanceRemoval, LayerRecord, Metastore, NewBuild, Page, ProcessIdentity, ResolvedCache, Result,
    SnapshotRecord,
};

/// Which call fails, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultPlan {
    /// The number of the call, counted from 0 over all verbs.
    pub call: u64,
    /// Whether the verb was done all the same and only its answer got lost.
    pub is_done: bool,
    /// What kind of failure it is.
    pub kind: ErrorKind,
}

/// A metastore that passes every call on but the planned one.
#[derive(Debug)]
pub struct FaultMetastore<M> {
    inner: M,
    plan: Option<FaultPlan>,
    calls: AtomicU64,
}

impl<M> FaultMetastore<M> {
    /// Fails by this plan; `None` never fails.
    pub fn new(inner: M, plan: Option<FaultPlan>) -> Self {
        Self { inner, plan, calls: AtomicU64::new(0) }
    }

    /// The metastore behind, which does not fail.
    pub fn inner(&self) -> &M {
        &self.inner
    }

    /// How many calls there have been.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// The plan, where it is this call's turn.
    fn due(&self) -> Option<FaultPlan> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        self.plan.filter(|plan| plan.call == call)
    }
}

macro_rules! delegate {
    ($($verb:ident($($name:ident: $type:ty),*) -> $answer:ty;)+) => {
        #[async_trait]
        impl<M: Metastore> Metastore for FaultMetastore<M> {
            $(async fn $verb(&self, $($name: $type),*) -> Result<$answer> {
                let Some(plan) = self.due() else { return self.inner.$verb($($name),*).await };
                if plan.is_done {
                    self.inner.$verb($($name),*).await?;
                }
                Err(Error::Injected { action: stringify!($verb), kind: plan.kind })
            })+
        }
    };
}

delegate! {
    create_cache(cache: &ImageCache, events: &[Event]) -> ();
    create_cache_with_build(cache: &ImageCache, build: &NewBuild, events: &[Event]) -> ImageCache;
    cache(id: CacheId) -> ImageCache;
    resolve_cache(wanted: &CacheRef) -> ResolvedCache;
    find_caches(filter: &CacheFilter, page: Page<CacheId>) -> Vec<ImageCache>;
    touch_cache_used(id: CacheId, now: Timestamp) -> ();
    delete_cache(id: CacheId, events: &[Event]) -> CacheChange;
    begin_build(build: &NewBuild, events: &[Event]) -> ImageCache;
    finish_build(
        id: BuildId, owner: &ProcessIdentity, snapshot: &SnapshotRecord, events: &[Event], now: Timestamp
    ) -> CacheChange;
    fail_build(
        id: BuildId, owner: &ProcessIdentity, failure: &BuildFailure, events: &[Event], now: Timestamp
    ) -> ImageCache;
    build(id: BuildId) -> Build;
    running_builds(page: Page<BuildId>) -> Vec<Build>;
    claim_build(id: BuildId, from: &ProcessIdentity, to: &ProcessIdentity, events: &[Event]) -> Option<Build>;
    retained_snapshots() -> Vec<ImageSnapshotId>;
    snapshot(id: ImageSnapshotId) -> Option<SnapshotRecord>;
    record_layer(layer: &LayerRecord) -> ();
    layer_by_blob(blob: &BlobDigest) -> Option<LayerRecord>;
    layers_by_diff_id(diff_id: &DiffId) -> Vec<LayerRecord>;
    create_instance(instance: &Instance, events: &[Event]) -> ();
    instance_started(id: InstanceId, pid: u32, events: &[Event], now: Timestamp) -> Instance;
    instance_exited(id: InstanceId, status: ExitStatus, events: &[Event], now: Timestamp) -> Instance;
    remove_instance(id: InstanceId, events: &[Event]) -> InstanceRemoval;
    instance(wanted: &InstanceRef) -> Instance;
    find_instances(filter: &InstanceFilter, page: Page<InstanceId>) -> Vec<Instance>;
    append_events(events: &[Event]) -> ();
    events(subject: Subject) -> Vec<Event>;
    forget_events(before: Timestamp) -> u64;
}
