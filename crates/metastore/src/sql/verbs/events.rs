//! Events and changes.

use std::collections::BTreeMap;

use async_trait::async_trait;
use model::{AccountId, CacheId, Event, Subject, Timestamp};

use super::super::{Connection, Store, Verb, Writing, changes, events, listing};
use crate::{Change, ChangeNumber, EventVerbs, Result};

#[async_trait]
impl EventVerbs for Store {
    async fn append_events(&self, news: &[Event]) -> Result<()> {
        let verb = Verb::quick("append events", news, None);
        self.write(verb, async |_: &mut Writing| Ok(())).await
    }

    async fn events(&self, subject: Subject) -> Result<Vec<Event>> {
        self.read("read the events", async |connection: &mut Connection| {
            events::of(connection, subject).await
        })
        .await
    }

    async fn events_of_caches(
        &self,
        account: &AccountId,
        caches: &[CacheId],
    ) -> Result<BTreeMap<CacheId, Vec<Event>>> {
        self.read("read the events", async |connection: &mut Connection| {
            listing::events(connection, account, caches).await
        })
        .await
    }

    async fn account_of(&self, subject: Subject) -> Result<Option<AccountId>> {
        self.read("find whose the record is", async |connection: &mut Connection| {
            events::account_of(connection, subject).await
        })
        .await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64> {
        let verb = Verb::quick("forget old events", &[], None);
        self.write(verb, async |writing: &mut Writing| events::forget(writing, before).await).await
    }

    async fn changes(&self, after: ChangeNumber, limit: u32) -> Result<Option<Vec<Change>>> {
        self.read("read the changes", async |connection: &mut Connection| {
            changes::after(connection, after, limit).await
        })
        .await
    }

    async fn newest_change(&self) -> Result<ChangeNumber> {
        self.read("read the changes", async |connection: &mut Connection| changes::newest(connection).await)
            .await
    }

    async fn forget_changes(&self, keep: u64) -> Result<()> {
        let verb = Verb::quick("forget old changes", &[], None);
        self.write(verb, async |writing: &mut Writing| changes::forget(writing, keep).await).await
    }
}
