//! The body of one answer, under deadlines.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use crate::wire::{Answer, fault_of};
use crate::{Fault, Timeouts};

/// Longest wait for the end of a body whose bytes have all come.
const END_WAIT: Duration = Duration::from_millis(500);

/// A body being read. It holds a place among its host's requests.
pub(crate) struct Body {
    answer: Answer,
    _place: OwnedSemaphorePermit,
    timeouts: Timeouts,
    /// Bytes that have come.
    pub(crate) come: u64,
    /// Time spent waiting for them: the reader's own pauses are not the server's fault.
    pub(crate) waited: Duration,
    window: (u64, Duration),
}

impl Body {
    pub(crate) fn new(answer: Answer, place: OwnedSemaphorePermit, timeouts: &Timeouts) -> Self {
        let (come, waited) = (0, Duration::ZERO);
        Self { answer, _place: place, timeouts: *timeouts, come, waited, window: (come, waited) }
    }

    pub(crate) fn host(&self) -> &str {
        &self.answer.host
    }

    fn hang(&self, after: Duration) -> Fault {
        Fault::Hang { host: self.answer.host.clone(), after }
    }

    /// The next bytes; `None` where the body ends.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        let start = Instant::now();
        let idle = self.timeouts.idle;
        let chunk = timeout(idle, self.answer.response.chunk()).await.map_err(|_| self.hang(idle))?;
        let chunk = chunk.map_err(|error| fault_of(error, &self.answer.host, self.come))?;
        let waited = start.elapsed();
        self.waited += waited;
        self.come += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        self.window.0 += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        self.window.1 += waited;
        if self.window.1 >= self.timeouts.slow_window {
            let least = self.timeouts.slowest_bytes_per_second.saturating_mul(self.window.1.as_secs());
            if self.window.0 < least && chunk.is_some() {
                return Err(self.hang(self.window.1));
            }
            self.window = (0, Duration::ZERO);
        }
        Ok(chunk)
    }

    /// Whether nothing follows. Lets the connection be used again.
    pub(crate) async fn ends_here(&mut self) -> bool {
        match timeout(END_WAIT, self.answer.response.chunk()).await {
            Ok(Ok(Some(more))) => more.is_empty(),
            // All bytes are there: a late or missing end is no reason to fetch them again.
            Ok(Ok(None) | Err(_)) | Err(_) => true,
        }
    }
}
