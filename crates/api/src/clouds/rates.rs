//! How often an account calls an operation.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use model::{AccountId, Timestamp};

/// Windows that are over are swept out when there are so many.
const MANY: usize = 10_000;

/// So many calls in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) calls: u32,
    pub(super) seconds: u32,
}

/// An operation of an account.
type Of = (AccountId, &'static str);

/// Calls in the window of time that is now, by account and operation. Each server counts its own.
#[derive(Default)]
pub(super) struct Rates(Mutex<HashMap<Of, Window>>);

#[derive(Clone, Copy)]
struct Window {
    ends: i64,
    calls: u32,
}

impl Rates {
    /// Counts a call; the milliseconds until the next one is taken where it is one too many.
    pub(super) fn count(
        &self,
        account: &AccountId,
        operation: &'static str,
        rate: Rate,
        now: Timestamp,
    ) -> Result<(), u32> {
        let now = now.as_micros();
        let length = i64::from(rate.seconds) * 1_000_000;
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MANY {
            windows.retain(|_, window| window.ends > now);
        }
        let ends = (now.div_euclid(length) + 1) * length;
        let window = windows.entry((account.clone(), operation)).or_insert(Window { ends, calls: 0 });
        if window.ends != ends {
            *window = Window { ends, calls: 0 };
        }
        if window.calls >= rate.calls {
            return Err(u32::try_from((ends - now).div_euclid(1000)).unwrap_or(u32::MAX).max(1));
        }
        window.calls += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_waits_for_the_next_window() {
        let rates = Rates::default();
        let count = |account: &str, operation, millis: i64| {
            let rate = Rate { calls: 2, seconds: 60 };
            rates.count(&account.parse().unwrap(), operation, rate, Timestamp::from_micros(millis * 1000))
        };
        assert_eq!(count("a", "List", 0), Ok(()));
        assert_eq!(count("a", "List", 1), Ok(()));
        assert_eq!(count("a", "List", 59_000), Err(1000));
        assert_eq!(count("a", "Delete", 59_000), Ok(()));
        assert_eq!(count("b", "List", 59_000), Ok(()));
        assert_eq!(count("a", "List", 60_000), Ok(()));
    }
}
