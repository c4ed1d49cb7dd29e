//! Container groups.

use async_trait::async_trait;
use model::{AccountId, CloudNotes, Event, Group, GroupId, SealedSecret, Timestamp};

use super::super::{Connection, Store, Verb, Writing, groups};
use crate::{GroupChange, GroupFilter, GroupStep, GroupVerbs, Page, Result};

#[async_trait]
impl GroupVerbs for Store {
    async fn create_group(&self, group: &Group, secrets: &[SealedSecret], news: &[Event]) -> Result<()> {
        let verb = Verb::durable("create the container group", news, Some(group.created));
        self.write(verb, async |writing: &mut Writing| groups::create(writing, group, secrets).await).await
    }

    async fn group(&self, account: &AccountId, id: GroupId) -> Result<Group> {
        self.read("find the container group", async |connection: &mut Connection| {
            groups::of_account(connection, account, id).await
        })
        .await
    }

    async fn find_groups(&self, filter: &GroupFilter, page: Page<GroupId>) -> Result<Vec<Group>> {
        self.read("find container groups", async |connection: &mut Connection| {
            groups::find(connection, filter, page).await
        })
        .await
    }

    async fn step_group(
        &self,
        wanted: &GroupStep,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Option<GroupChange>> {
        let verb = Verb::durable("note how the container group is", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| {
            let change = groups::step(writing, wanted, now).await?;
            let is_news = change.is_some();
            Ok((change, is_news))
        })
        .await
    }

    async fn ask_group_deletion(
        &self,
        id: GroupId,
        force: bool,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Group> {
        let verb = Verb::durable("ask for the container group's deletion", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| groups::ask_deletion(writing, id, force, now).await)
            .await
    }

    async fn swap_group_notes(
        &self,
        id: GroupId,
        from: &CloudNotes,
        to: &CloudNotes,
    ) -> Result<Option<Group>> {
        let verb = Verb::durable("note what is said of the container group", &[], None);
        self.write_if(verb, async |writing: &mut Writing| {
            let swapped = groups::swap_notes(writing, id, from, to).await?;
            let is_news = swapped.is_some();
            Ok((swapped, is_news))
        })
        .await
    }

    async fn remove_group(&self, id: GroupId, news: &[Event]) -> Result<GroupChange> {
        let verb = Verb::durable("remove the container group", news, None);
        self.write(verb, async |writing: &mut Writing| groups::remove(writing, id).await).await
    }

    async fn group_secrets(&self, id: GroupId) -> Result<Vec<SealedSecret>> {
        self.read("read the container group's secrets", async |connection: &mut Connection| {
            groups::secrets(connection, id).await
        })
        .await
    }

    async fn reseal_group(&self, id: GroupId, from: &[SealedSecret], to: &[SealedSecret]) -> Result<bool> {
        let verb = Verb::durable("seal the container group's secrets anew", &[], None);
        self.write(verb, async |writing: &mut Writing| groups::reseal(writing, id, from, to).await).await
    }
}
