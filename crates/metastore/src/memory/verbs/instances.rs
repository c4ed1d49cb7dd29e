//! Instances.

use async_trait::async_trait;
use model::{AccountId, Event, ExitStatus, Instance, InstanceId, Timestamp};

use super::super::MemoryMetastore;
use super::super::find::{is_wanted_instance, page_of};
use crate::{InstanceFilter, InstanceRef, InstanceRemoval, InstanceVerbs, Page, Result, SnapshotRecord};

#[async_trait]
impl InstanceVerbs for MemoryMetastore {
    async fn create_instance(&self, instance: &Instance, events: &[Event]) -> Result<()> {
        self.write(events, Some(instance.created), |records| records.create_instance(instance))
    }

    async fn create_instance_with_snapshot(
        &self,
        instance: &Instance,
        snapshot: &SnapshotRecord,
        events: &[Event],
    ) -> Result<()> {
        self.write(events, Some(instance.created), |records| {
            records.create_instance_with_snapshot(instance, snapshot)
        })
    }

    async fn instance_started(
        &self,
        id: InstanceId,
        pid: u32,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        self.write(events, Some(now), |records| records.instance_started(id, pid, now))
    }

    async fn instance_exited(
        &self,
        id: InstanceId,
        status: ExitStatus,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        self.write_if(events, Some(now), |records| records.instance_exited(id, status, now))
    }

    async fn remove_instance(&self, id: InstanceId, events: &[Event]) -> Result<InstanceRemoval> {
        self.write(events, None, |records| records.remove_instance(id))
    }

    async fn instance(&self, account: &AccountId, wanted: &InstanceRef) -> Result<Instance> {
        self.records().find_instance(account, wanted)
    }

    async fn find_instances(&self, filter: &InstanceFilter, page: Page<InstanceId>) -> Result<Vec<Instance>> {
        Ok(page_of(&self.records().instances, page, |instance| is_wanted_instance(filter, instance)))
    }

    async fn count_instances(&self, filter: &InstanceFilter) -> Result<u64> {
        let records = self.records();
        Ok(records.instances.values().filter(|instance| is_wanted_instance(filter, instance)).count() as u64)
    }
}
