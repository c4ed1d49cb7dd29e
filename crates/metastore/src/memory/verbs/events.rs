//! Events and changes.

use async_trait::async_trait;
use model::{AccountId, Event, Subject, Timestamp};

use super::super::MemoryMetastore;
use crate::{Change, ChangeNumber, EventVerbs, Result};

#[async_trait]
impl EventVerbs for MemoryMetastore {
    async fn append_events(&self, events: &[Event]) -> Result<()> {
        self.write(events, None, |_| Ok(()))
    }

    async fn events(&self, subject: Subject) -> Result<Vec<Event>> {
        let mut events = self.records().events.get(&subject).cloned().unwrap_or_default();
        events.sort_by_key(|event| event.last);
        Ok(events)
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
