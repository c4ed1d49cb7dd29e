//! Pauses between attempts.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::{Fault, RetryPolicy};

/// Counts attempts and decides whether there is another one, and when.
#[derive(Debug)]
pub(crate) struct Backoff {
    policy: RetryPolicy,
    in_a_row: u32,
    in_all: u32,
}

/// A number below one, differing from call to call: enough to keep clients from marching in step.
fn chance() -> f64 {
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
    let chance = bits as f64 / (1_u64 << 53) as f64;
    chance
}

impl Backoff {
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        Self { policy, in_a_row: 0, in_all: 0 }
    }

    /// New bytes came: what failed before no longer counts against the next failure.
    pub(crate) fn progress(&mut self) {
        self.in_a_row = 0;
    }

    /// Waits before the next attempt, or gives the fault back where there is none.
    pub(crate) async fn pause(&mut self, fault: Fault) -> Result<(), Fault> {
        let Some(pause) = self.next(&fault) else { return Err(fault) };
        tracing::debug!(%fault, attempt = self.in_all, pause_ms = pause.as_millis(), "trying again");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    fn next(&mut self, fault: &Fault) -> Option<Duration> {
        if !fault.is_passing() {
            return None;
        }
        let (attempts, asked) = match fault {
            // A server that closes during the TLS handshake may also be one that is just starting.
            Fault::Unreachable { .. } | Fault::PlainHttpExpected { .. } | Fault::NoAnswer { .. } => {
                (self.policy.attempts.min(self.policy.connect_attempts), None)
            }
            Fault::RateLimited { retry_after, .. } | Fault::ServerError { retry_after, .. } => {
                (self.policy.attempts, *retry_after)
            }
            _ => (self.policy.attempts, None),
        };
        self.in_a_row += 1;
        self.in_all += 1;
        let spent = self.in_a_row >= attempts || self.in_all >= self.policy.attempts_in_all;
        if spent || asked.is_some_and(|asked| asked > self.policy.longest_retry_after) {
            return None;
        }
        let doubled = self.policy.first_pause.saturating_mul(1 << (self.in_a_row - 1).min(16));
        let ours = doubled.min(self.policy.longest_pause).mul_f64(1.0 - chance() / 2.0);
        Some(asked.map_or(ours, |asked| asked.max(ours)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(seconds: Option<u64>) -> Fault {
        Fault::RateLimited { host: "r".into(), retry_after: seconds.map(Duration::from_secs) }
    }

    fn cut() -> Fault {
        Fault::Cut { host: "r".into(), at: 0, source: None }
    }

    #[tokio::test(start_paused = true)]
    async fn waits_as_long_as_the_server_asks() {
        let start = tokio::time::Instant::now();
        Backoff::new(RetryPolicy::default()).pause(limited(Some(77))).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 77);
    }

    #[tokio::test(start_paused = true)]
    async fn does_not_wait_longer_than_the_limit() {
        let start = tokio::time::Instant::now();
        assert!(Backoff::new(RetryPolicy::default()).pause(limited(Some(121))).await.is_err());
        assert!(start.elapsed().is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_the_longest() {
        let policy = RetryPolicy { attempts: 10, ..RetryPolicy::default() };
        let mut backoff = Backoff::new(policy);
        for nth in 0..9 {
            let start = tokio::time::Instant::now();
            backoff.pause(cut()).await.unwrap();
            let full = (policy.first_pause * 2_u32.pow(nth)).min(policy.longest_pause);
            let waited = start.elapsed();
            assert!(waited <= full + Duration::from_millis(2) && waited >= full / 2, "{nth}: {waited:?}");
        }
        assert!(backoff.pause(cut()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn progress_allows_more_attempts_up_to_those_in_all() {
        let mut backoff = Backoff::new(RetryPolicy { attempts_in_all: 20, ..RetryPolicy::default() });
        for _ in 0..19 {
            backoff.progress();
            backoff.pause(cut()).await.unwrap();
        }
        backoff.progress();
        assert!(backoff.pause(cut()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn final_answers_are_not_tried_again() {
        let fault = Fault::Forbidden { host: "r".into(), what: "x".into() };
        assert!(Backoff::new(RetryPolicy::default()).pause(fault).await.is_err());
    }
}
