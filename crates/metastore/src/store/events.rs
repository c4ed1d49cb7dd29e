//! Events and changes.

use std::collections::BTreeMap;

use async_trait::async_trait;
use model::{AccountId, CacheId, Event, Subject, Timestamp};

use crate::{Change, ChangeNumber, Result};

/// Events and changes. What holds of every verb stands at [`Metastore`](crate::Metastore).
#[async_trait]
pub trait EventVerbs: Send + Sync {
    /// Writes events. An event equal to one of the same subject (kind, reason, message) is counted there; over
    /// [`EVENTS_PER_SUBJECT`](crate::EVENTS_PER_SUBJECT) the subject's oldest go, those of single layers
    /// ([`EventReason::is_of_a_layer`](model::EventReason::is_of_a_layer)) before all others.
    ///
    /// # Errors
    /// Only the common ones.
    async fn append_events(&self, events: &[Event]) -> Result<()>;

    /// The events of a subject, by when they last happened.
    ///
    /// # Errors
    /// Only the common ones.
    async fn events(&self, subject: Subject) -> Result<Vec<Event>>;

    /// The events of those of these caches that the account has, by when they last happened, without those of single layers
    /// ([`EventReason::is_of_a_layer`](model::EventReason::is_of_a_layer)). Caches without any are left out.
    ///
    /// # Errors
    /// Only the common ones.
    async fn events_of_caches(
        &self,
        account: &AccountId,
        caches: &[CacheId],
    ) -> Result<BTreeMap<CacheId, Vec<Event>>>;

    /// Whose a subject is or was, as long as anything is recorded of it; `None` afterwards.
    ///
    /// # Errors
    /// Only the common ones.
    async fn account_of(&self, subject: Subject) -> Result<Option<AccountId>>;

    /// Drops the events of deleted caches and removed instances that last happened before that instant; returns how many.
    ///
    /// # Errors
    /// Only the common ones.
    async fn forget_events(&self, before: Timestamp) -> Result<u64>;

    /// Up to `limit` changes (at most [`PAGE_LIMIT`](crate::PAGE_LIMIT)) behind that number, in order. Where some of them were
    /// dropped already ([`forget_changes`](Self::forget_changes)), or the number was never given, so that it is of other records
    /// than these, `None`: read all records anew.
    ///
    /// # Errors
    /// Only the common ones.
    async fn changes(&self, after: ChangeNumber, limit: u32) -> Result<Option<Vec<Change>>>;

    /// The number of the newest change; 0 before the first. Taken *before* records are read, it is where to go on from.
    ///
    /// # Errors
    /// Only the common ones.
    async fn newest_change(&self) -> Result<ChangeNumber>;

    /// Drops all but the newest `keep` changes.
    ///
    /// # Errors
    /// Only the common ones.
    async fn forget_changes(&self, keep: u64) -> Result<()>;
}
