//! Instances.

use async_trait::async_trait;
use model::{AccountId, Event, ExitStatus, Instance, InstanceId, Timestamp};

use super::super::{Connection, Store, Verb, Writing, instances};
use crate::{InstanceFilter, InstanceRef, InstanceRemoval, InstanceVerbs, Page, Result, SnapshotRecord};

#[async_trait]
impl InstanceVerbs for Store {
    async fn create_instance(&self, instance: &Instance, news: &[Event]) -> Result<()> {
        let verb = Verb::quick("create the instance", news, Some(instance.created));
        self.write(verb, async |writing: &mut Writing| instances::create(writing, instance).await).await
    }

    async fn create_instance_with_snapshot(
        &self,
        instance: &Instance,
        snapshot: &SnapshotRecord,
        news: &[Event],
    ) -> Result<()> {
        let verb = Verb::quick("create the instance", news, Some(instance.created));
        self.write(verb, async |writing: &mut Writing| {
            instances::create_with_snapshot(writing, instance, snapshot).await
        })
        .await
    }

    async fn instance_started(
        &self,
        id: InstanceId,
        pid: u32,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        let verb = Verb::quick("note the instance's start", news, Some(now));
        self.write(verb, async |writing: &mut Writing| instances::started(writing, id, pid, now).await).await
    }

    async fn instance_exited(
        &self,
        id: InstanceId,
        status: ExitStatus,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        let verb = Verb::quick("note the instance's end", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| instances::exited(writing, id, status, now).await)
            .await
    }

    async fn remove_instance(&self, id: InstanceId, news: &[Event]) -> Result<InstanceRemoval> {
        let verb = Verb::durable("remove the instance", news, None);
        self.write(verb, async |writing: &mut Writing| instances::remove(writing, id).await).await
    }

    async fn instance(&self, account: &AccountId, wanted: &InstanceRef) -> Result<Instance> {
        self.read("find the instance", async |connection: &mut Connection| {
            instances::get(connection, account, wanted).await
        })
        .await
    }

    async fn find_instances(&self, filter: &InstanceFilter, page: Page<InstanceId>) -> Result<Vec<Instance>> {
        self.read("find instances", async |connection: &mut Connection| {
            instances::find(connection, filter, page).await
        })
        .await
    }

    async fn count_instances(&self, filter: &InstanceFilter) -> Result<u64> {
        self.read("count instances", async |connection: &mut Connection| {
            instances::count(connection, filter).await
        })
        .await
    }
}
