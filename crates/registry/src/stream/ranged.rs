//! A blob over one connection or several, whichever is faster.

use std::sync::Arc;

use bytes::Bytes;

use super::parts::Parts;
use super::reader::Reader;
use super::route::BlobRoute;
use crate::Fault;

/// Longest stretch after which the speed of one connection is looked at again.
const LONGEST_STRETCH: u64 = 256 << 20;

/// Reads a whole blob.
///
/// A large one begins with a stretch over one connection. Where that turns out slow, the rest comes in parts over several;
/// else the next, longer stretch follows.
pub(crate) struct RangedReader {
    route: Arc<BlobRoute>,
    position: u64,
    stretch: u64,
    state: State,
}

enum State {
    One(Box<Reader>),
    Several(Parts),
}

impl std::fmt::Debug for RangedReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RangedReader").field("position", &self.position).finish_non_exhaustive()
    }
}

impl RangedReader {
    pub(crate) fn new(route: BlobRoute) -> Self {
        let ranges = route.wire.settings.ranges;
        let route = Arc::new(route);
        let in_one = route.size < ranges.from_bytes || ranges.slow_below == 0;
        let stretch = if in_one { route.size } else { ranges.part_bytes.max(1).saturating_mul(2) };
        let state = if !in_one && ranges.slow_below == u64::MAX {
            State::Several(Parts::new(route.clone(), 0))
        } else {
            State::One(Box::new(Reader::new(route.clone(), 0, stretch.min(route.size))))
        };
        Self { route, position: 0, stretch, state }
    }

    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            let chunk = match &mut self.state {
                State::One(reader) => reader.chunk().await?,
                State::Several(parts) => match parts.chunk().await {
                    Err(_) if self.route.no_ranges() => {
                        let rest = Reader::new(self.route.clone(), self.position, self.route.size);
                        self.state = State::One(Box::new(rest));
                        continue;
                    }
                    chunk => chunk?,
                },
            };
            if let Some(chunk) = chunk {
                self.position += chunk.len() as u64;
                return Ok(Some(chunk));
            }
            if self.position == self.route.size {
                return Ok(None);
            }
            self.go_on();
        }
    }

    /// After a stretch: how the rest comes.
    fn go_on(&mut self) {
        let State::One(reader) = &self.state else { return };
        let speed = reader.bytes_per_second();
        let slow = speed < self.route.wire.settings.ranges.slow_below;
        tracing::debug!(digest = %self.route.digest, position = self.position, speed, slow, "a stretch came");
        self.state = if slow && !self.route.no_ranges() {
            State::Several(Parts::new(self.route.clone(), self.position))
        } else {
            self.stretch = self.stretch.saturating_mul(2).min(LONGEST_STRETCH);
            let end = self.position.saturating_add(self.stretch).min(self.route.size);
            State::One(Box::new(Reader::new(self.route.clone(), self.position, end)))
        };
    }
}
