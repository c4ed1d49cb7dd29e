//! One stretch of a blob over one connection at a time, resumed after cuts.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes};

use super::body::Body;
use super::gather::Gather;
use super::pace::Pace;
use super::route::BlobRoute;
use crate::Fault;
use crate::wire::Backoff;

/// So many short answers in a row are patience enough: the whole is asked for instead.
const MOST_SHORT_ANSWERS: u32 = 16;
/// An answer with less than the range asked for is short under this length. Longer ones are a proxy's right, which may cut
/// every range to a size of its own.
const SHORT_ANSWER: u64 = 64 << 10;

/// The body under way.
struct Reading {
    body: Body,
    /// How many of its first bytes are still to be dropped.
    skip: u64,
    /// Bytes that it is to have.
    length: u64,
    /// Where it ends in the blob.
    end: u64,
}

/// Reads from `at` to `end`, by as many requests as it takes.
pub(crate) struct Reader {
    route: Arc<BlobRoute>,
    at: u64,
    end: u64,
    body: Option<Reading>,
    backoff: Backoff,
    pace: Pace,
    gather: Gather,
    /// Short answers in a row.
    short_answers: u32,
    /// Where a body ended early without a cut.
    ended_at: Option<u64>,
    come: u64,
    waited: Duration,
}

impl Reader {
    pub(crate) fn new(route: Arc<BlobRoute>, at: u64, end: u64) -> Self {
        let backoff = Backoff::new(route.wire.settings.retry);
        let pace = Pace::new(&route.wire.settings.timeouts);
        let (gather, come, waited) = (Gather::default(), 0, Duration::ZERO);
        Self {
            route,
            at,
            end,
            body: None,
            backoff,
            pace,
            gather,
            short_answers: 0,
            ended_at: None,
            come,
            waited,
        }
    }

    /// Bytes that came for each second of waiting for them.
    pub(crate) fn bytes_per_second(&self) -> u64 {
        let micros = u64::try_from(self.waited.as_micros()).unwrap_or(u64::MAX).max(1);
        self.come.saturating_mul(1_000_000) / micros
    }

    /// The next bytes; `None` after those before `end`. Where ranges are not served it goes on to the blob's end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            if let Some(piece) = self.gather.take() {
                return Ok(Some(piece));
            }
            if self.at >= self.end {
                break;
            }
            match self.attempt().await {
                Ok(chunk) => {
                    if !self.pace.is_behind() {
                        self.backoff.progress();
                    }
                    self.gather.put(chunk);
                }
                Err(fault) => {
                    self.body = None;
                    self.backoff.pause(fault).await?;
                }
            }
        }
        if let Some(piece) = self.gather.rest() {
            return Ok(Some(piece));
        }
        // Not together with the last bytes: a call dropped while it waits must not lose them.
        if let Some(reading) = &mut self.body {
            let ends = reading.body.ends_here().await;
            let host = reading.body.host().to_owned();
            self.body = None;
            if !ends {
                return Err(self.route.wrong_length(&host, self.at + 1));
            }
        }
        Ok(None)
    }

    async fn open(&mut self) -> Result<(), Fault> {
        if let Some(over) = self.body.take_if(|reading| self.at == reading.end) {
            // A server may answer with less than the range asked for, though not with a byte at a time.
            self.short_answers = if over.length < SHORT_ANSWER { self.short_answers + 1 } else { 0 };
            if self.short_answers >= MOST_SHORT_ANSWERS {
                self.route.give_up_ranges();
            }
        }
        if self.body.is_none() {
            let opened = self.route.open(self.at, self.end).await?;
            // A server without ranges sends everything: go on to the end rather than ask again.
            self.end = self.end.max(opened.end);
            self.pace.add(0, 0, opened.took);
            let (skip, length) = (self.at - opened.from, opened.end - opened.from);
            self.body = Some(Reading { body: opened.body, skip, length, end: opened.end });
        }
        Ok(())
    }

    async fn attempt(&mut self) -> Result<Bytes, Fault> {
        loop {
            self.open().await?;
            let reading = self.body.as_mut().expect("just opened");
            if let Some(after) = self.pace.too_slow() {
                return Err(Fault::Hang { host: reading.body.host().to_owned(), after });
            }
            let (came, waited) = (reading.body.come, reading.body.waited);
            let chunk = reading.body.chunk().await;
            let (came, waited) = (reading.body.come - came, reading.body.waited - waited);
            let skipped = reading.skip.min(came);
            reading.skip -= skipped;
            self.pace.add(came, came - skipped, waited);
            let chunk = chunk?;
            if came - skipped > reading.end - self.at {
                return Err(self.route.wrong_length(reading.body.host(), self.at + came - skipped));
            }
            self.come += came;
            self.waited += waited;
            let Some(mut chunk) = chunk else { return Err(self.ended_early()) };
            chunk.advance(usize::try_from(skipped).expect("within the chunk"));
            if !chunk.is_empty() {
                self.at += chunk.len() as u64;
                return Ok(chunk);
            }
        }
    }

    /// A body that ends before its time without being cut: once may be chance, twice at the same byte is the server's word.
    fn ended_early(&mut self) -> Fault {
        let (host, at) = match self.body.take() {
            Some(reading) => (reading.body.host().to_owned(), reading.body.come),
            None => (String::new(), 0),
        };
        if self.ended_at == Some(self.at) {
            return self.route.wrong_length(&host, self.at);
        }
        self.ended_at = Some(self.at);
        Fault::Cut { host, at, source: None }
    }
}
