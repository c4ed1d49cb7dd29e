//! Instances.

use async_trait::async_trait;
use model::{AccountId, CloudNotes, Event, ExitStatus, Instance, InstanceId, Timestamp};

use super::super::changes::Touched;
use super::super::{SqliteMetastore, instances};
use super::put;
use crate::{InstanceFilter, InstanceRef, InstanceRemoval, InstanceVerbs, Page, Result, SnapshotRecord};

#[async_trait]
impl InstanceVerbs for SqliteMetastore {
    async fn create_instance(&self, instance: &Instance, news: &[Event]) -> Result<()> {
        let mut writing = self.writing_quickly("create the instance").await?;
        instances::create(&mut writing.transaction, instance).await?;
        writing.conclude(put(instance), news, Some(instance.created)).await
    }

    async fn create_instance_with_snapshot(
        &self,
        instance: &Instance,
        snapshot: &SnapshotRecord,
        news: &[Event],
    ) -> Result<()> {
        let mut writing = self.writing_quickly("create the instance").await?;
        instances::create_with_snapshot(&mut writing.transaction, instance, snapshot).await?;
        writing.conclude(put(instance), news, Some(instance.created)).await
    }

    async fn instance_started(
        &self,
        id: InstanceId,
        pid: u32,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        let mut writing = self.writing_quickly("note the instance's start").await?;
        let instance = instances::started(&mut writing.transaction, id, pid, now).await?;
        writing.conclude(put(&instance), news, Some(now)).await?;
        Ok(instance)
    }

    async fn instance_exited(
        &self,
        id: InstanceId,
        status: ExitStatus,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        let mut writing = self.writing_quickly("note the instance's end").await?;
        let (instance, is_news) = instances::exited(&mut writing.transaction, id, status, now).await?;
        if is_news {
            writing.conclude(put(&instance), news, Some(now)).await?;
        }
        Ok(instance)
    }

    async fn set_instance_notes(&self, id: InstanceId, notes: &CloudNotes) -> Result<Instance> {
        let mut writing = self.writing("note what is said of the instance").await?;
        let instance = instances::set_notes(&mut writing.transaction, id, notes).await?;
        writing.conclude(put(&instance), &[], None).await?;
        Ok(instance)
    }

    async fn remove_instance(&self, id: InstanceId, news: &[Event]) -> Result<InstanceRemoval> {
        let mut writing = self.writing("remove the instance").await?;
        let removal = instances::remove(&mut writing.transaction, id).await?;
        writing.conclude(put(&removal.instance).map(Touched::gone), news, None).await?;
        Ok(removal)
    }

    async fn instance(&self, account: &AccountId, wanted: &InstanceRef) -> Result<Instance> {
        instances::resolve(&mut *self.reading("find the instance").await?, account, wanted).await
    }

    async fn find_instances(&self, filter: &InstanceFilter, page: Page<InstanceId>) -> Result<Vec<Instance>> {
        instances::find(&mut *self.reading("find instances").await?, filter, page).await
    }
}
