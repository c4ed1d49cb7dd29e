//! The port of container groups.

use async_trait::async_trait;
use model::{AccountId, CloudNotes, Event, Group, GroupId, GroupName, GroupSecrets, GroupSpec, Instance};
use wire::Login;

use super::ServiceResult;

/// A container group to create.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: GroupName,
    /// What is wished.
    pub spec: GroupSpec,
    /// What only its containers may read.
    pub secrets: GroupSecrets,
    /// Credentials for the images' registries.
    pub logins: Vec<Login>,
    /// What the cloud's call says beside.
    pub notes: CloudNotes,
}

/// A container group with its instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupView {
    /// The group.
    pub group: Group,
    /// Its instances.
    pub instances: Vec<Instance>,
}

/// The use-cases of container groups.
#[async_trait]
pub trait GroupService: Send + Sync {
    /// Records a group, which a server makes; returns at once.
    async fn create_group(&self, account: &AccountId, new: NewGroup) -> ServiceResult<Group>;

    /// Every group of the account, the newest first.
    async fn groups(&self, account: &AccountId) -> ServiceResult<Vec<GroupView>>;

    /// The group of that id.
    async fn group(&self, account: &AccountId, id: GroupId) -> ServiceResult<GroupView>;

    /// Ends a group, at once with `force`, and removes it; returns before that is done.
    async fn delete_group(&self, account: &AccountId, id: GroupId, force: bool) -> ServiceResult<()>;

    /// What happened to a group, also to one that is gone.
    async fn group_events(&self, account: &AccountId, id: GroupId) -> ServiceResult<Vec<Event>>;

    /// What only the containers of a group may read.
    async fn group_secrets(&self, account: &AccountId, id: GroupId) -> ServiceResult<GroupSecrets>;

    /// Notes something else in a cloud's words of a group, where `from` is what is known; `None` where it is something else by now.
    async fn swap_group_notes(
        &self,
        account: &AccountId,
        id: GroupId,
        from: &CloudNotes,
        to: &CloudNotes,
    ) -> ServiceResult<Option<Group>>;
}
