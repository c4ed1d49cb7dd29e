//! A bound on the memory that the windows of all zstd streams take together.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::ByteSize;

/// Windows up to this size pass ungated: what the usual tools ask for, and less than a conversion's own buffers and tree.
pub(crate) const FREE: u64 = 8 << 20;

/// How often one that waits looks whether its conversion was cancelled.
const WATCH: Duration = Duration::from_millis(50);

/// Shared by conversions that run at once: those whose zstd streams ask for large windows take turns where all of them
/// together would take too much memory. First come, first served, so that a large one is not passed over for ever.
///
/// A single window larger than the bound passes alone; [`Limits::zstd_window`](crate::Limits::zstd_window) refuses it
/// where it should not.
#[derive(Debug)]
pub struct WindowGate {
    bound: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    taken: u64,
    next_ticket: u64,
    waiting: BTreeSet<u64>,
}

/// Memory for one window, given back on drop.
#[derive(Debug)]
pub(crate) struct WindowPermit {
    gate: Arc<WindowGate>,
    bytes: u64,
}

impl WindowGate {
    /// A gate that lets large windows pass as long as they have no more than that size together.
    #[must_use]
    pub fn new(bound: ByteSize) -> Self {
        Self { bound: bound.as_u64(), state: Mutex::default(), changed: Condvar::new() }
    }

    /// Waits until there is room for a window of so many bytes; `None` where the conversion was cancelled meanwhile.
    pub(crate) fn enter(
        self: &Arc<Self>,
        bytes: u64,
        is_cancelled: impl Fn() -> bool,
    ) -> Option<WindowPermit> {
        // One that asks for more than all waits for all.
        let bytes = if bytes <= FREE { 0 } else { bytes.min(self.bound) };
        if bytes > 0 {
            let mut state = self.state();
            let ticket = state.next_ticket;
            state.next_ticket += 1;
            state.waiting.insert(ticket);
            while state.waiting.first() != Some(&ticket) || state.taken + bytes > self.bound {
                if is_cancelled() {
                    state.waiting.remove(&ticket);
                    self.changed.notify_all();
                    return None;
                }
                let waited = self.changed.wait_timeout(state, WATCH);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            state.waiting.remove(&ticket);
            state.taken += bytes;
            self.changed.notify_all();
        }
        Some(WindowPermit { gate: Arc::clone(self), bytes })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for WindowPermit {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.gate.state().taken -= self.bytes;
            self.gate.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{TryRecvError, channel};

    use super::*;

    const MIB: u64 = 1 << 20;

    fn gate() -> Arc<WindowGate> {
        Arc::new(WindowGate::new(ByteSize::bytes(128 * MIB)))
    }

    #[test]
    fn small_windows_pass_a_full_gate_and_large_ones_together_only_as_far_as_the_bound() {
        let gate = gate();
        let halves = [64, 64].map(|mib| gate.enter(mib * MIB, || false).unwrap());
        assert_eq!(gate.state().taken, 128 * MIB);
        assert!(gate.enter(8 * MIB, || false).is_some());
        assert!(gate.enter(9 * MIB, || true).is_none(), "a cancelled one does not wait");
        drop(halves);
        assert_eq!(gate.state().taken, 0);
        assert!(gate.state().waiting.is_empty());
        assert!(gate.enter(1 << 40, || true).is_some(), "one above the bound has the empty gate for itself");
    }

    #[test]
    fn who_came_first_is_not_passed_over() {
        let gate = gate();
        let held = gate.enter(64 * MIB, || false).unwrap();
        let (entered, order) = channel();
        std::thread::scope(|scope| {
            for (name, mib, ahead) in [("large", 128, 0), ("small", 16, 1)] {
                while gate.state().waiting.len() < ahead {
                    std::thread::yield_now();
                }
                let (gate, entered) = (&gate, entered.clone());
                scope.spawn(move || {
                    let permit = gate.enter(mib * MIB, || false).unwrap();
                    entered.send(name).unwrap();
                    drop(permit);
                });
            }
            while gate.state().waiting.len() < 2 {
                std::thread::yield_now();
            }
            // There would be room for the small one, but it came later.
            assert_eq!(order.try_recv(), Err(TryRecvError::Empty));
            drop(held);
            assert_eq!([order.recv().unwrap(), order.recv().unwrap()], ["large", "small"]);
        });
    }
}
