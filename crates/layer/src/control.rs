//! What a running conversion shows to others, and how they stop it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared by a running conversion and whoever watches or cancels it: put it in an `Arc`.
#[derive(Debug, Default)]
pub struct Control {
    compressed: AtomicU64,
    tar: AtomicU64,
    cancelled: AtomicBool,
}

impl Control {
    /// A fresh one: nothing read, not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the conversion to end with [`ConvertError::Cancelled`](crate::ConvertError::Cancelled) soon (within the
    /// work of one buffer). A conversion that waits for its source notices when the source yields or ends,
    /// so end the source as well.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    /// Whether [`Self::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Bytes taken from the source so far.
    #[must_use]
    pub fn compressed_bytes(&self) -> u64 {
        self.compressed.load(Ordering::Relaxed)
    }

    /// Bytes of tar converted so far.
    #[must_use]
    pub fn tar_bytes(&self) -> u64 {
        self.tar.load(Ordering::Relaxed)
    }

    pub(crate) fn add_compressed(&self, bytes: usize) {
        self.compressed.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_tar(&self, bytes: usize) {
        self.tar.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
