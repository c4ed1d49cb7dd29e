//! What the double finds in its state, and how it notes that it changed.

use api::service::{NumberedChange, ServiceResult};
use model::{AccountId, ImageCache, Instance, Subject};

use super::{State, not_found, now};

impl State {
    pub(super) fn write(&mut self, account: &AccountId, subject: Subject, gone: bool) {
        let number = self.newest() + 1;
        self.changes.push((account.clone(), NumberedChange { number, subject, gone, at: now() }));
    }

    pub(super) fn newest(&self) -> u64 {
        self.changes.last().map_or(self.forgotten, |(_, change)| change.number)
    }

    pub(super) fn cache(&self, account: &AccountId, word: &str) -> ServiceResult<usize> {
        let is_meant = |cache: &ImageCache| cache.id.to_string() == word || cache.name.as_str() == word;
        let found = self.caches.iter().rposition(|cache| cache.account == *account && is_meant(cache));
        found.ok_or_else(|| not_found(word))
    }

    pub(super) fn instance(&self, account: &AccountId, word: &str) -> ServiceResult<usize> {
        let is_meant = |found: &Instance| found.id.to_string() == word || found.name.as_str() == word;
        let found = self.instances.iter().position(|found| found.account == *account && is_meant(found));
        found.ok_or_else(|| not_found(word))
    }
}
