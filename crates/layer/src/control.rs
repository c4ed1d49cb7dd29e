//! What a running conversion shows to others, and how they stop it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::decompress::Stop;
use crate::window_gate::WindowPermit;
use crate::{ConvertError, SharedBudget, WindowGate};

/// Shared by a running conversion and whoever watches or cancels it: put it in an `Arc`.
#[derive(Debug, Default)]
pub struct Control {
    compressed: AtomicU64,
    tar: AtomicU64,
    cancelled: AtomicBool,
    given_up: AtomicBool,
    /// Nobody takes the tar any more.
    unwanted: AtomicBool,
    budget: Option<Arc<SharedBudget>>,
    windows: Option<Arc<WindowGate>>,
}

impl Control {
    /// A fresh one: nothing read, not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A fresh one whose conversion takes what it expands to from that budget, and fails at the byte that is not left
    /// ([`Limit::Expanded`](crate::Limit::Expanded)).
    #[must_use]
    pub fn with_budget(budget: Arc<SharedBudget>) -> Self {
        Self { budget: Some(budget), ..Self::default() }
    }

    /// The same, for a conversion that shares memory for large zstd windows with others.
    #[must_use]
    pub fn sharing_windows(self, windows: Arc<WindowGate>) -> Self {
        Self { windows: Some(windows), ..self }
    }

    /// Asks the conversion to end with [`ConvertError::Cancelled`](crate::ConvertError::Cancelled) soon (within the
    /// work of one entry, or of giving a finished tree its places). A conversion that waits for its source notices when the source yields or ends,
    /// so end the source as well.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    /// Whether the conversion has failed in a way that further bytes cannot change: its source may end at once, and should,
    /// since the conversion returns only then.
    #[must_use]
    pub fn has_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    /// Says that what is decoded goes nowhere: the decoder need not wait for memory.
    pub(crate) fn want_no_more(&self) {
        self.unwanted.store(true, Ordering::Release);
    }

    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }

    /// Whether [`Self::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Fails once the conversion is cancelled.
    pub(crate) fn check(&self) -> Result<(), ConvertError> {
        if self.is_cancelled() { Err(ConvertError::Cancelled) } else { Ok(()) }
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

    /// Takes expanded bytes from the budget, where there is one; the budget's bound where they are not left.
    pub(crate) fn take_expanded(&self, bytes: u64) -> Result<(), u64> {
        match &self.budget {
            Some(budget) if !budget.take(bytes) => Err(budget.bound().as_u64()),
            _ => Ok(()),
        }
    }

    /// Waits until there is memory for a window of so many bytes. `None` where nothing bounds it.
    pub(crate) fn enter_window(&self, bytes: u64) -> Result<Option<WindowPermit>, Stop> {
        let Some(windows) = &self.windows else { return Ok(None) };
        let is_over = || self.is_cancelled() || self.has_given_up() || self.unwanted.load(Ordering::Acquire);
        match windows.enter(bytes, is_over) {
            Some(permit) => Ok(Some(permit)),
            None if self.is_cancelled() => Err(Stop::Failed(ConvertError::Cancelled)),
            None => Err(Stop::Unwanted),
        }
    }
}
