//! How many builds ended in this process, by how they did.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Engine, FailureKind};

/// How many builds ended in this process since it began. One that another process went on with is not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildsEnded {
    /// With a snapshot.
    pub succeeded: u64,
    /// Without one.
    pub failed: u64,
    /// Because somebody asked for it, or the process ended.
    pub cancelled: u64,
}

/// Counts them.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    succeeded: AtomicU64,
    failed: AtomicU64,
    cancelled: AtomicU64,
}

impl Ended {
    pub(super) fn well(&self) {
        self.succeeded.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn badly(&self, kind: FailureKind) {
        let count = if kind == FailureKind::Cancelled { &self.cancelled } else { &self.failed };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Engine {
    /// How many builds ended in this process.
    #[must_use]
    pub fn builds_ended(&self) -> BuildsEnded {
        let Ended { succeeded, failed, cancelled } = &self.workshop.ended;
        let number = |count: &AtomicU64| count.load(Ordering::Relaxed);
        BuildsEnded { succeeded: number(succeeded), failed: number(failed), cancelled: number(cancelled) }
    }
}
