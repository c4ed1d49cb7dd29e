//! Instances.

use async_trait::async_trait;
use model::{AccountId, Event, ExitStatus, Instance, InstanceId, Timestamp};

use crate::{InstanceFilter, InstanceRef, InstanceRemoval, Page, Result, SnapshotRecord};

/// Instances. What holds of every verb stands at [`Metastore`](crate::Metastore).
#[async_trait]
pub trait InstanceVerbs: Send + Sync {
    /// Records an instance, `Creating`. It holds its snapshot from now on.
    ///
    /// # Errors
    /// [`NameTaken`](crate::Error::NameTaken) by another of the same account; [`NoSnapshot`](crate::Error::NoSnapshot) where
    /// no cache, generation or instance names its snapshot (any more); [`Conflict`](crate::Error::Conflict) where the id is
    /// taken or it is in another state.
    async fn create_instance(&self, instance: &Instance, events: &[Event]) -> Result<()>;

    /// Records an instance, `Creating`, together with a snapshot that was made for it alone. The snapshot is indexed from now
    /// on and is let go with the instance. Its document may follow: until it is in the store, the caller's lease keeps the blobs.
    ///
    /// # Errors
    /// Those of [`create_instance`](Self::create_instance), [`NoSnapshot`](crate::Error::NoSnapshot) excepted;
    /// [`Conflict`](crate::Error::Conflict) where the snapshot is indexed already, or is not the instance's.
    async fn create_instance_with_snapshot(
        &self,
        instance: &Instance,
        snapshot: &SnapshotRecord,
        events: &[Event],
    ) -> Result<()>;

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

    /// The account's instance that the user means. An id of another account is as if unknown.
    ///
    /// # Errors
    /// [`NoInstance`](crate::Error::NoInstance), [`NoInstanceOfName`](crate::Error::NoInstanceOfName).
    async fn instance(&self, account: &AccountId, wanted: &InstanceRef) -> Result<Instance>;

    /// One page of the instances that the filter lets through, in order of creation.
    ///
    /// # Errors
    /// Only the common ones.
    async fn find_instances(&self, filter: &InstanceFilter, page: Page<InstanceId>) -> Result<Vec<Instance>>;

    /// How many instances the filter lets through.
    ///
    /// # Errors
    /// Only the common ones.
    async fn count_instances(&self, filter: &InstanceFilter) -> Result<u64>;
}
