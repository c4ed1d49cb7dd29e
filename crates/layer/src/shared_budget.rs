//! A bound on expanded bytes that several conversions share.

use std::sync::atomic::{AtomicU64, Ordering};

use model::ByteSize;

/// What is left of a size for all layers that are converted against it, at once or one after the other.
///
/// A conversion takes from it before its tar or its blob grows, whichever is larger then: each layer counts as the larger
/// of the two, in whatever order they run, and nothing is written that is not left.
#[derive(Debug)]
pub struct SharedBudget {
    bound: u64,
    left: AtomicU64,
}

impl SharedBudget {
    /// All of that size is left.
    #[must_use]
    pub fn new(bound: ByteSize) -> Self {
        Self { bound: bound.as_u64(), left: AtomicU64::new(bound.as_u64()) }
    }

    /// The size at first.
    #[must_use]
    pub fn bound(&self) -> ByteSize {
        ByteSize::bytes(self.bound)
    }

    /// What is left now.
    #[must_use]
    pub fn left(&self) -> ByteSize {
        ByteSize::bytes(self.left.load(Ordering::Acquire))
    }

    /// Takes so many bytes; takes none and says false where fewer are left.
    pub fn take(&self, bytes: u64) -> bool {
        self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(bytes)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_byte_fits_and_the_next_does_not() {
        let budget = SharedBudget::new(ByteSize::bytes(10));
        assert!(budget.take(10));
        assert_eq!(budget.left(), ByteSize::ZERO);
        assert!(!budget.take(1));
        assert!(budget.take(0));
        assert_eq!(budget.bound(), ByteSize::bytes(10));
    }
}
