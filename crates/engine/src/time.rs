//! Waiting, as a part: tests move weeks at once.

use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};

/// Waits by the same time that the engine's [`Clock`](model::Clock) tells.
pub trait Timer: Send + Sync {
    /// Comes back when that much time has gone by.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// Waits by the machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTimer;

impl Timer for SystemTimer {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

/// Time that stands still until it is moved: clock and timer at once. Clones are the same time.
#[cfg(feature = "test-suite")]
#[derive(Clone, Debug)]
pub struct TestTime(std::sync::Arc<std::sync::Mutex<Moment>>);

#[cfg(feature = "test-suite")]
#[derive(Debug)]
struct Moment {
    now: model::Timestamp,
    sleepers: Vec<(model::Timestamp, tokio::sync::oneshot::Sender<()>)>,
}

#[cfg(feature = "test-suite")]
impl TestTime {
    /// Stands at that instant.
    #[must_use]
    pub fn at(now: model::Timestamp) -> Self {
        Self(std::sync::Arc::new(std::sync::Mutex::new(Moment { now, sleepers: Vec::new() })))
    }

    /// Moves on, and wakes whoever waited for that.
    pub fn advance(&self, by: Duration) {
        let mut moment = self.moment();
        moment.now = moment.now.plus_micros(micros(by));
        let now = moment.now;
        let sleepers = std::mem::take(&mut moment.sleepers);
        for (until, wake) in sleepers {
            if until <= now {
                // Whoever does not wait any more need not be woken.
                let _ = wake.send(());
            } else if !wake.is_closed() {
                moment.sleepers.push((until, wake));
            }
        }
    }

    /// How many wait.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.moment().sleepers.iter().filter(|(_, wake)| !wake.is_closed()).count()
    }

    fn moment(&self) -> std::sync::MutexGuard<'_, Moment> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(feature = "test-suite")]
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(feature = "test-suite")]
impl model::Clock for TestTime {
    fn now(&self) -> model::Timestamp {
        self.moment().now
    }
}

#[cfg(feature = "test-suite")]
impl Timer for TestTime {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (wake, woken) = tokio::sync::oneshot::channel();
        let mut moment = self.moment();
        let until = moment.now.plus_micros(micros(duration));
        moment.sleepers.push((until, wake));
        // The sender goes only with the time itself.
        woken.map(|_| ()).boxed()
    }
}
