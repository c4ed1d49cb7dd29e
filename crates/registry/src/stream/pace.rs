//! Whether a server brings bytes fast enough to be waited for.

use std::time::Duration;

use crate::Timeouts;

/// Bytes and the time spent waiting for them, over all requests of one stretch. A resumed request goes on in the window of
/// the one before, or a server could begin a new one with each byte.
#[derive(Debug)]
pub(super) struct Pace {
    bytes_per_second: u64,
    window: Duration,
    come: u64,
    /// Of these, bytes that had not come before: a server without ranges sends those again after each cut.
    new: u64,
    waited: Duration,
    /// The last window brought too few new bytes, and nothing better came since.
    behind: bool,
}

impl Pace {
    pub(super) fn new(timeouts: &Timeouts) -> Self {
        Self {
            bytes_per_second: timeouts.slowest_bytes_per_second,
            window: timeouts.slow_window,
            come: 0,
            new: 0,
            waited: Duration::ZERO,
            behind: false,
        }
    }

    /// The fewest bytes that may come in that time.
    fn least(&self, time: Duration) -> u64 {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.bytes_per_second.saturating_mul(millis) / 1000
    }

    /// Takes down bytes, how many of them had not come before, and the time waited for them.
    pub(super) fn add(&mut self, come: u64, new: u64, waited: Duration) {
        self.come += come;
        self.new += new;
        self.waited += waited;
        // A window's bytes make up for the one before, however soon they are there.
        if self.new >= self.least(self.window) {
            self.behind = false;
        }
    }

    /// Ends a window that has run its time. How long it was, where too little came in it.
    pub(super) fn too_slow(&mut self) -> Option<Duration> {
        if self.waited < self.window {
            return None;
        }
        let waited = std::mem::take(&mut self.waited);
        self.behind = std::mem::take(&mut self.new) < self.least(waited);
        // An honest server may need long for what it has to send again: it is not cut off for that.
        (std::mem::take(&mut self.come) < self.least(waited)).then_some(waited)
    }

    /// Whether bytes that come now are progress. A trickle is not: it would excuse every failure for ever.
    pub(super) fn is_behind(&self) -> bool {
        self.behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace() -> Pace {
        Pace::new(&Timeouts { slowest_bytes_per_second: 10, slow_window: 6 * SECOND, ..Timeouts::default() })
    }

    #[test]
    fn a_window_is_judged_when_it_has_run_its_time() {
        let mut pace = pace();
        pace.add(1, 1, 5 * SECOND);
        assert_eq!(pace.too_slow(), None);
        pace.add(1, 1, 2 * SECOND);
        assert_eq!(pace.too_slow(), Some(7 * SECOND));
        assert_eq!(pace.too_slow(), None, "another one begins");
        pace.add(60, 60, 6 * SECOND);
        assert_eq!(pace.too_slow(), None);
    }

    #[test]
    fn a_trickle_is_no_progress_and_a_windows_worth_of_bytes_is() {
        let mut pace = pace();
        pace.add(59, 59, 6 * SECOND);
        assert!(!pace.is_behind());
        assert!(pace.too_slow().is_some() && pace.is_behind());
        pace.add(59, 59, Duration::ZERO);
        assert!(pace.is_behind());
        pace.add(1, 1, Duration::ZERO);
        assert!(!pace.is_behind());
    }

    #[test]
    fn bytes_that_come_again_are_waited_for_and_are_no_progress() {
        let mut pace = pace();
        pace.add(600, 1, 6 * SECOND);
        assert_eq!(pace.too_slow(), None);
        assert!(pace.is_behind());
        pace.add(600, 60, SECOND);
        assert!(!pace.is_behind());
    }

    #[test]
    fn without_a_slowest_rate_nothing_is_too_slow() {
        let timeouts = Timeouts { slowest_bytes_per_second: 0, ..Timeouts::default() };
        let mut pace = Pace::new(&timeouts);
        pace.add(0, 0, 1000 * SECOND);
        assert_eq!(pace.too_slow(), None);
    }
}
