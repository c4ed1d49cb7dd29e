//! What verbs wrote, in order.

use model::{AccountId, Event, Subject, Timestamp};

use super::Records;
use crate::{Change, ChangeKind, ChangeNumber, PAGE_LIMIT, rules};

/// What a verb did to a record.
#[derive(Clone, Debug)]
pub(super) struct Touch {
    pub(super) account: AccountId,
    pub(super) kind: ChangeKind,
    /// When the record says that it last changed.
    pub(super) at: Timestamp,
}

impl Records {
    /// Leaves a change of each record that the verb wrote, or wrote an event about.
    pub(super) fn note_changes(&mut self, events: &[Event], now: Option<Timestamp>) {
        for event in events {
            if let Some(account) = self.account_of(event.subject) {
                let touch = Touch { account, kind: ChangeKind::Put, at: event.last };
                self.touched.entry(event.subject).or_insert(touch);
            }
        }
        for (subject, touch) in std::mem::take(&mut self.touched) {
            let at = rules::written(now, events, touch.at);
            self.newest_change = ChangeNumber(self.newest_change.0 + 1);
            let number = self.newest_change;
            let change = Change { number, subject, account: touch.account, kind: touch.kind, at };
            self.changes.insert(number, change);
        }
    }

    pub(super) fn changes(&self, after: ChangeNumber, limit: u32) -> Option<Vec<Change>> {
        if !rules::are_changes_whole(after, self.forgotten_changes, self.newest_change) {
            return None;
        }
        let later = self.changes.range(ChangeNumber(after.0.saturating_add(1))..);
        Some(later.map(|(_, change)| change.clone()).take(limit.min(PAGE_LIMIT) as usize).collect())
    }

    pub(super) fn forget_changes(&mut self, keep: u64) {
        while self.changes.len() as u64 > keep {
            if let Some((number, _)) = self.changes.pop_first() {
                self.forgotten_changes = number;
            }
        }
    }

    pub(super) fn account_of(&self, subject: Subject) -> Option<AccountId> {
        let living = match subject {
            Subject::Cache(id) => self.caches.get(&id).map(|cache| &cache.account),
            Subject::Instance(id) => self.instances.get(&id).map(|instance| &instance.account),
            Subject::Group(id) => self.groups.get(&id).map(|group| &group.account),
        };
        living.or_else(|| self.departed.get(&subject)).cloned()
    }
}
