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
    idle: Duration,
    /// Bytes that have come.
    pub(crate) come: u64,
    /// Time spent waiting for them: the reader's own pauses are not the server's fault.
    pub(crate) waited: Duration,
}

impl Body {
    pub(crate) fn new(answer: Answer, place: OwnedSemaphorePermit, timeouts: &Timeouts) -> Self {
        Self { answer, _place: place, idle: timeouts.idle, come: 0, waited: Duration::ZERO }
    }

    pub(crate) fn host(&self) -> &str {
        &self.answer.host
    }

    /// The next bytes; `None` where the body ends.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        let start = Instant::now();
        let idle = self.idle;
        let chunk = timeout(idle, self.answer.response.chunk()).await;
        // Silence that ends in a fault was waited for all the same.
        self.waited += start.elapsed();
        let chunk = chunk.map_err(|_| Fault::Hang { host: self.answer.host.clone(), after: idle })?;
        let chunk = chunk.map_err(|error| fault_of(error, &self.answer.host, self.come))?;
        self.come += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
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
