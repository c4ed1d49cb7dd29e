//! The size of a cache against what its layers take.

use std::sync::atomic::{AtomicU64, Ordering};

use model::ByteSize;

/// Unpacked bytes of the layers that are in the store by now, against the cache's limit.
#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    taken: AtomicU64,
}

impl Budget {
    pub(super) fn new(limit: ByteSize) -> Self {
        Self { limit: limit.as_u64(), taken: AtomicU64::new(0) }
    }

    pub(super) fn limit(&self) -> ByteSize {
        ByteSize::bytes(self.limit)
    }

    /// What is left for a layer that begins now.
    pub(super) fn left(&self) -> u64 {
        self.limit.saturating_sub(self.taken.load(Ordering::Acquire))
    }

    /// Counts a layer's blob; false where that goes beyond the limit.
    pub(super) fn take(&self, size: ByteSize) -> bool {
        let before = self.taken.fetch_add(size.as_u64(), Ordering::AcqRel);
        before.saturating_add(size.as_u64()) <= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_byte_fits_and_the_next_does_not() {
        let budget = Budget::new(ByteSize::bytes(10));
        assert!(budget.take(ByteSize::bytes(10)));
        assert_eq!(budget.left(), 0);
        assert!(!budget.take(ByteSize::bytes(1)));
    }
}
