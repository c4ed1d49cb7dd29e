//! Container groups.

use async_trait::async_trait;
use engine::GroupDetails;
use model::{AccountId, CloudNotes, Event, Group, GroupId, GroupSecrets};

use super::{OverEngine, credentials};
use crate::service::{GroupService, GroupView, NewGroup, ServiceResult};

fn view(details: GroupDetails) -> GroupView {
    GroupView { group: details.group, instances: details.instances }
}

#[async_trait]
impl GroupService for OverEngine {
    async fn create_group(&self, account: &AccountId, new: NewGroup) -> ServiceResult<Group> {
        let new = engine::NewGroup {
            id: new.id,
            name: new.name,
            spec: new.spec,
            secrets: new.secrets,
            credentials: credentials(new.logins),
            notes: Some(new.notes),
        };
        Ok(self.groups.create(account, new).await?)
    }

    async fn groups(&self, account: &AccountId) -> ServiceResult<Vec<GroupView>> {
        Ok(self.groups.list(account).await?.into_iter().map(view).collect())
    }

    async fn group(&self, account: &AccountId, id: GroupId) -> ServiceResult<GroupView> {
        Ok(view(self.groups.find(account, id).await?))
    }

    async fn delete_group(&self, account: &AccountId, id: GroupId, force: bool) -> ServiceResult<()> {
        self.groups.delete(account, id, force).await?;
        Ok(())
    }

    async fn group_events(&self, account: &AccountId, id: GroupId) -> ServiceResult<Vec<Event>> {
        Ok(self.groups.events(account, id).await?)
    }

    async fn group_secrets(&self, account: &AccountId, id: GroupId) -> ServiceResult<GroupSecrets> {
        Ok(self.groups.secrets(account, id).await?)
    }

    async fn swap_group_notes(
        &self,
        account: &AccountId,
        id: GroupId,
        from: &CloudNotes,
        to: &CloudNotes,
    ) -> ServiceResult<Option<Group>> {
        Ok(self.groups.swap_notes(account, id, from, to).await?)
    }
}
