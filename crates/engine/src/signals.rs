//! Signals to the reconcilers of this process: there may be work. Whoever misses one finds the work at its next look.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use model::CacheId;
use tokio::sync::Notify;

/// One for each concern that does not only wait for its time.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    pub(crate) builds: Notify,
    pub(crate) expiry: Notify,
    pub(crate) refresh: Notify,
    pub(crate) copies: Notify,
    pub(crate) collection: Notify,
    pub(crate) changes: Notify,
    pub(crate) groups: Notify,
    /// Caches whose tags somebody wants looked at, whatever their own rule.
    looks: Mutex<BTreeSet<CacheId>>,
    heard: AtomicBool,
}

impl Signals {
    /// Reconcilers of this process hear them from now on.
    pub(crate) fn are_heard(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// Asks for a look at a cache's tags soon. Whether there is anybody who takes it.
    pub(crate) fn ask_for_look(&self, cache: CacheId) -> bool {
        if !self.heard.load(Ordering::Relaxed) {
            return false;
        }
        self.looks.lock().unwrap_or_else(PoisonError::into_inner).insert(cache);
        self.refresh.notify_one();
        true
    }

    /// The looks that were asked for since the last call.
    pub(crate) fn asked_looks(&self) -> BTreeSet<CacheId> {
        std::mem::take(&mut *self.looks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is said of a cache has changed: any of its times and wishes may have.
    pub(crate) fn updated(&self) {
        for signal in [&self.builds, &self.expiry, &self.refresh, &self.copies, &self.changes] {
            signal.notify_one();
        }
    }

    /// A build of ours has ended: another may begin, its cache may be deleted, its snapshot copied.
    pub(crate) fn ended(&self) {
        for signal in [&self.builds, &self.expiry, &self.copies, &self.changes] {
            signal.notify_one();
        }
    }
}
