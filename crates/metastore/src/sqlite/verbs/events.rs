//! Events and changes.

use std::collections::BTreeMap;

use async_trait::async_trait;
use model::{AccountId, CacheId, Event, Subject, Timestamp};

use super::super::{SqliteMetastore, changes, events, listing};
use crate::{Change, ChangeNumber, EventVerbs, Result};

#[async_trait]
impl EventVerbs for SqliteMetastore {
    async fn append_events(&self, news: &[Event]) -> Result<()> {
        self.writing_quickly("append events").await?.conclude(None, news, None).await
    }

    async fn events(&self, subject: Subject) -> Result<Vec<Event>> {
        events::of(&mut *self.reading("read the events").await?, subject).await
    }

    async fn events_of_caches(
        &self,
        account: &AccountId,
        caches: &[CacheId],
    ) -> Result<BTreeMap<CacheId, Vec<Event>>> {
        listing::events(&mut *self.reading("read the events").await?, account, caches).await
    }

    async fn account_of(&self, subject: Subject) -> Result<Option<AccountId>> {
        changes::account_of(&mut *self.reading("find whose the record is").await?, subject).await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64> {
        let mut writing = self.writing_quickly("forget old events").await?;
        let forgotten = events::forget(&mut writing.transaction, before).await?;
        writing.commit().await?;
        Ok(forgotten)
    }

    async fn changes(&self, after: ChangeNumber, limit: u32) -> Result<Option<Vec<Change>>> {
        changes::after(&mut *self.reading("read the changes").await?, after, limit).await
    }

    async fn newest_change(&self) -> Result<ChangeNumber> {
        changes::newest(&mut *self.reading("read the changes").await?).await
    }

    async fn forget_changes(&self, keep: u64) -> Result<()> {
        let mut writing = self.writing_quickly("forget old changes").await?;
        changes::forget(&mut writing.transaction, keep).await?;
        writing.commit().await
    }
}
