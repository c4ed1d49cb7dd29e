//! The contract of the records of container groups.

use async_trait::async_trait;
use model::{
    AccountId, CloudNotes, Event, Group, GroupId, GroupStatus, ImageSnapshotId, SealedSecret, Timestamp,
};

use crate::{Page, Result, SnapshotRecord};

/// Which groups to find: those that every given part lets through. The default finds all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupFilter {
    /// Only those of this account.
    pub account: Option<AccountId>,
    /// Only those for which there is something to do still: they have not ended, or are to go.
    pub unfinished: bool,
}

/// A further step of a group's life.
#[derive(Clone, Debug)]
pub struct GroupStep {
    /// The group.
    pub id: GroupId,
    /// Its revision, as the caller knows it.
    pub revision: u64,
    /// How it is now.
    pub status: GroupStatus,
    /// The snapshot that its status names, where it was made for the group.
    pub made: Option<SnapshotRecord>,
}

/// A group that was changed or removed, and what nobody names any more for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChange {
    /// The group as it is now, or was last.
    pub group: Group,
    /// The image snapshot whose document is to be deleted.
    pub released: Option<ImageSnapshotId>,
}

/// The records of container groups, under the rules of [`Metastore`](crate::Metastore). All verbs that write are durable when
/// they return.
#[async_trait]
pub trait GroupVerbs: Send + Sync {
    /// Records a group that was just asked for, with what is sealed of it.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) where its id is taken.
    async fn create_group(&self, group: &Group, secrets: &[SealedSecret], events: &[Event]) -> Result<()>;

    /// The account's group of that id.
    ///
    /// # Errors
    /// [`NoGroup`](crate::Error::NoGroup), also of another account's.
    async fn group(&self, account: &AccountId, id: GroupId) -> Result<Group>;

    /// One page of the groups that the filter lets through.
    ///
    /// # Errors
    /// Only the common ones.
    async fn find_groups(&self, filter: &GroupFilter, page: Page<GroupId>) -> Result<Vec<Group>>;

    /// Notes how a group is; `None`, and nothing is done, where it is gone, or was changed since the revision that the step
    /// names. A snapshot that its status named before and names no more is let go.
    ///
    /// # Errors
    /// [`NoSnapshot`](crate::Error::NoSnapshot); [`Conflict`](crate::Error::Conflict) where one is made that is there.
    async fn step_group(
        &self,
        step: &GroupStep,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Option<GroupChange>>;

    /// Notes that a group is to go; the second time nothing but a wish for force is news.
    ///
    /// # Errors
    /// [`NoGroup`](crate::Error::NoGroup).
    async fn ask_group_deletion(
        &self,
        id: GroupId,
        force: bool,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Group>;

    /// Notes something else in a cloud's words, where `from` is what is known; `None`, and nothing is done, where it is something
    /// else by now: read it again.
    ///
    /// # Errors
    /// [`NoGroup`](crate::Error::NoGroup).
    async fn swap_group_notes(
        &self,
        id: GroupId,
        from: &CloudNotes,
        to: &CloudNotes,
    ) -> Result<Option<Group>>;

    /// Removes a group that no instance is of any more.
    ///
    /// # Errors
    /// [`NoGroup`](crate::Error::NoGroup); [`GroupInUse`](crate::Error::GroupInUse).
    async fn remove_group(&self, id: GroupId, events: &[Event]) -> Result<GroupChange>;

    /// What is sealed of a group, in order; nothing where there is no such group.
    ///
    /// # Errors
    /// Only the common ones.
    async fn group_secrets(&self, id: GroupId) -> Result<Vec<SealedSecret>>;

    /// Puts freshly sealed secrets in the place of those that the group has; `false`, and nothing is done, where these are no
    /// longer `from`.
    ///
    /// # Errors
    /// Only the common ones.
    async fn reseal_group(&self, id: GroupId, from: &[SealedSecret], to: &[SealedSecret]) -> Result<bool>;
}
