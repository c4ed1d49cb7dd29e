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
