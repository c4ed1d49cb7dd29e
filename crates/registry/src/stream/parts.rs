//! A stretch of a blob over several connections: parts in a bounded window, given out in order.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::reader::Reader;
use super::route::BlobRoute;
use crate::Fault;

type Part = Result<VecDeque<Bytes>, Fault>;

/// Parts under way and those that have come. Dropping it ends them.
pub(crate) struct Parts {
    route: Arc<BlobRoute>,
    /// Where the next part to be asked for begins.
    next: u64,
    length: u64,
    window: usize,
    tasks: JoinSet<()>,
    under_way: VecDeque<oneshot::Receiver<Part>>,
    ready: VecDeque<Bytes>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("next", &self.next).finish_non_exhaustive()
    }
}

impl Parts {
    /// From `from` to the blob's end.
    pub(crate) fn new(route: Arc<BlobRoute>, from: u64) -> Self {
        let ranges = route.wire.settings.ranges;
        Self {
            route,
            next: from,
            length: ranges.part_bytes.max(1),
            window: ranges.window.max(1),
            tasks: JoinSet::new(),
            under_way: VecDeque::new(),
            ready: VecDeque::new(),
        }
    }

    /// Asks for further parts, up to the window; the one being given out counts.
    fn fill(&mut self) {
        while self.tasks.try_join_next().is_some() {}
        while self.under_way.len() < self.window && self.next < self.route.size && !self.route.no_ranges() {
            let end = self.next.saturating_add(self.length).min(self.route.size);
            let (sender, receiver) = oneshot::channel();
            let (route, from) = (self.route.clone(), self.next);
            self.tasks.spawn(async move {
                // Nobody listens any more where the stream was dropped.
                let _ = sender.send(read(route, from, end).await);
            });
            self.under_way.push_back(receiver);
            self.next = end;
        }
    }

    /// The next bytes; `None` after the last ones. A fault while [`BlobRoute::no_ranges`] holds only says that it does.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(Some(chunk));
            }
            self.fill();
            let Some(first) = self.under_way.front_mut() else {
                return if self.next < self.route.size { Err(refused(&self.route)) } else { Ok(None) };
            };
            let part = first.await;
            self.under_way.pop_front();
            self.ready = part.unwrap_or_else(|_| Err(refused(&self.route)))?;
        }
    }
}

fn refused(route: &BlobRoute) -> Fault {
    Fault::Malformed {
        origin: route.digest.to_string(),
        what: "part of a layer",
        why: "ranges are not served".to_owned(),
    }
}

async fn read(route: Arc<BlobRoute>, from: u64, end: u64) -> Part {
    let mut reader = Reader::new(route.clone(), from, end);
    let mut pieces = VecDeque::new();
    while let Some(chunk) = reader.chunk().await? {
        // The whole blob would be kept in memory.
        if route.no_ranges() {
            return Err(refused(&route));
        }
        pieces.push_back(chunk);
    }
    Ok(pieces)
}
