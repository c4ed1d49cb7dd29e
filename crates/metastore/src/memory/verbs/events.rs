//! Events and changes.

use std::collections::BTreeMap;

use async_trait::async_trait;
use model::{AccountId, CacheId, Event, Subject, Timestamp};

use super::super::MemoryMetastore;
use crate::{Change, ChangeNumber, EventVerbs, Result};

#[async_trait]
impl EventVerbs for MemoryMetastore {
    async fn append_events(&self, events: &[Event]) -> Result<()> {
        self.write(events, None, |_| Ok(()))
    }

    async fn events(&self, subject: Subject) -> Result<Vec<Event>> {
        Ok(self.records().events_of(subject))
    }

    async fn events_of_caches(
        &self,
        account: &AccountId,
        caches: &[CacheId],
    ) -> Result<BTreeMap<CacheId, Vec<Event>>> {
        let records = self.records();
        let has = |id: &&CacheId| records.caches.get(*id).is_some_and(|cache| cache.account == *account);
        let told = |id: &CacheId| {
            let mut events = records.events_of(Subject::Cache(*id));
            events.retain(|event| !event.reason.is_of_a_layer());
            (*id, events)
        };
        Ok(caches.iter().filter(has).map(told).filter(|(_, events)| !events.is_empty()).collect())
    }

    async fn account_of(&self, subject: Subject) -> Result<Option<AccountId>> {
        Ok(self.records().account_of(subject))
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64> {
        self.write(&[], None, |records| Ok(records.forget_events(before)))
    }

    async fn changes(&self, after: ChangeNumber, limit: u32) -> Result<Option<Vec<Change>>> {
        Ok(self.records().changes(after, limit))
    }

    async fn newest_change(&self) -> Result<ChangeNumber> {
        Ok(self.records().newest_change)
    }

    async fn forget_changes(&self, keep: u64) -> Result<()> {
        self.records().forget_changes(keep);
        Ok(())
    }
}
