//! Signals to the reconcilers of this process: there may be work. Whoever misses one finds the work at its next look.

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
}

impl Signals {
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
