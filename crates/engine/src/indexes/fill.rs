//! The indexes as the records have it now.

use std::sync::{Arc, Mutex, PoisonError};

use metastore::{CacheOutline, InstanceFilter, Metastore, Order, OutlineAndSummary, Page};
use model::{CacheId, ImageSnapshotId, Instance, PackedSummary, SnapshotSummary};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::state::State;
use crate::Error;
use crate::build::Workshop;
use crate::match_index::{Fingerprints, Prints};
use crate::memory;

/// Caches that are read at once: few, so that little memory lies about when all are read.
const CACHES: u32 = 250;

/// Pages that wait between two threads.
const WAITING: usize = 3;

/// A page of what the indexes are made of, with summaries as they were read or as fingerprints.
enum Piece<Summary> {
    Caches(Vec<(CacheOutline, Option<Summary>)>),
    Snapshots(Vec<(ImageSnapshotId, Summary)>),
    Instances(Vec<Instance>),
}

/// Reads all records and puts them in: the reading on this task, beside it on threads of their own the making of
/// fingerprints, and the putting in. At no time are all summaries in memory. Dropped in the middle, the threads end.
///
/// # Errors
/// Those of the records.
pub(super) async fn fill(workshop: &Workshop) -> Result<State, Error> {
    let (to_print, mut read) = mpsc::channel::<Piece<PackedSummary>>(WAITING);
    let (to_put, mut printed) = mpsc::channel::<Piece<Prints>>(WAITING);
    let mut state = State::default();
    let keys = state.keys();
    let printing = tokio::task::spawn_blocking(move || {
        while let Some(piece) = read.blocking_recv() {
            // Whoever puts in ends after this.
            let _ = to_put.blocking_send(piece.printed(&keys)?);
        }
        Ok(())
    });
    let putting = tokio::task::spawn_blocking(move || {
        while let Some(piece) = printed.blocking_recv() {
            piece.put_into(&mut state);
        }
        state.shrink();
        state
    });
    read_all(workshop, to_print).await?;
    let unfailing = "neither of both panics, and nobody cancels them";
    let done: Result<(), Error> = printing.await.expect(unfailing);
    done?;
    let state = putting.await.expect(unfailing);
    memory::give_back().await;
    Ok(state)
}

async fn read_all(workshop: &Workshop, taker: mpsc::Sender<Piece<PackedSummary>>) -> Result<(), Error> {
    let records = &*workshop.parts.records;
    // Who takes them ends early only over a broken one, and says so.
    let give = async |piece| _ = taker.send(piece).await;
    let mut caches = CachesFromBothEnds::begin(&workshop.parts.records);
    while let Some(mut found) = caches.next().await? {
        for (cache, summary) in &mut found {
            if let (Some(snapshot), Some(_)) = (cache.snapshot, summary.take_if(|found| found.is_empty())) {
                let found = workshop.summary_or_document(snapshot, SnapshotSummary::default()).await?;
                *summary = Some(PackedSummary::from(&found));
            }
        }
        give(Piece::Caches(found)).await;
    }
    let mut page = Page::first();
    loop {
        let found = records.find_unserved_snapshots(page).await?;
        let Some(last) = found.last() else { break };
        page = Page::after(last.id);
        let mut summaries = Vec::with_capacity(found.len());
        for snapshot in found {
            summaries.push((snapshot.id, PackedSummary::from(&workshop.summary_of(snapshot).await?)));
        }
        give(Piece::Snapshots(summaries)).await;
    }
    let mut page = Page::first();
    loop {
        let found = records.find_instances(&InstanceFilter::default(), page).await?;
        let Some(last) = found.last() else { return Ok(()) };
        page = Page::after(last.id);
        give(Piece::Instances(found)).await;
    }
}

/// Pages of all caches: half of them read from the oldest on, and beside that half of them from the newest back. Dropped in the
/// middle, the reading ends.
struct CachesFromBothEnds {
    pages: mpsc::Receiver<Result<Vec<OutlineAndSummary>, Error>>,
    readers: JoinSet<()>,
}

impl CachesFromBothEnds {
    fn begin(records: &Arc<dyn Metastore>) -> Self {
        let (taker, pages) = mpsc::channel(WAITING);
        let reached = Arc::new(Reached::default());
        let mut readers = JoinSet::new();
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let (records, reached, taker) = (Arc::clone(records), Arc::clone(&reached), taker.clone());
            readers.spawn(async move { read_caches(&*records, order, &reached, &taker).await });
        }
        Self { pages, readers }
    }

    /// `None`: these were all.
    async fn next(&mut self) -> Result<Option<Vec<OutlineAndSummary>>, Error> {
        if let Some(page) = self.pages.recv().await {
            return page.map(Some);
        }
        while let Some(ended) = self.readers.join_next().await {
            ended.expect("no reader panics, and nobody ends one");
        }
        Ok(None)
    }
}

/// How far the caches are read from either end.
#[derive(Default)]
struct Reached(Mutex<(Option<CacheId>, Option<CacheId>)>);

impl Reached {
    /// Notes a page that was read in that order, and drops from it what was read in the other one. Whether that was the last.
    fn take(&self, order: Order, page: &mut Vec<OutlineAndSummary>) -> bool {
        let Some((last, _)) = page.last() else { return true };
        let last = last.id;
        let mut reached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (oldest, newest) = &mut *reached;
        match order {
            Order::OldestFirst => *oldest = Some(last),
            Order::NewestFirst => *newest = Some(last),
        }
        let is_new = |id: CacheId| match order {
            Order::OldestFirst => newest.is_none_or(|newest| id < newest),
            Order::NewestFirst => oldest.is_none_or(|oldest| id > oldest),
        };
        page.retain(|(cache, _)| is_new(cache.id));
        !is_new(last)
    }
}

async fn read_caches(
    records: &dyn Metastore,
    order: Order,
    reached: &Reached,
    taker: &mpsc::Sender<Result<Vec<OutlineAndSummary>, Error>>,
) {
    let mut page = Page { limit: CACHES, order, ..Page::first() };
    loop {
        let mut found = match records.outline_caches_and_snapshots(page).await {
            Ok(found) => found,
            Err(error) => {
                // Where nobody takes it, nobody waits for it.
                let _ = taker.send(Err(error.into())).await;
                return;
            }
        };
        page.after = found.last().map(|(cache, _)| cache.id);
        let is_last = reached.take(order, &mut found);
        if taker.send(Ok(found)).await.is_err() || is_last {
            return;
        }
    }
}

fn prints(keys: &Fingerprints, summary: &PackedSummary) -> Result<Prints, Error> {
    let view = summary.view().map_err(|_| broken(summary))?;
    Ok(Prints::of_view(keys, &view))
}

fn broken(summary: &PackedSummary) -> metastore::Error {
    metastore::Error::Column { column: "summary", value: format!("{} bytes", summary.len()) }
}

impl Piece<PackedSummary> {
    fn printed(self, keys: &Fingerprints) -> Result<Piece<Prints>, Error> {
        Ok(match self {
            Self::Caches(caches) => {
                let printed = |(cache, summary): (CacheOutline, Option<PackedSummary>)| {
                    Ok((cache, summary.map(|summary| prints(keys, &summary)).transpose()?))
                };
                Piece::Caches(caches.into_iter().map(printed).collect::<Result<_, Error>>()?)
            }
            Self::Snapshots(all) => {
                let printed =
                    |(id, summary): (ImageSnapshotId, PackedSummary)| Ok((id, prints(keys, &summary)?));
                Piece::Snapshots(all.into_iter().map(printed).collect::<Result<_, Error>>()?)
            }
            Self::Instances(instances) => Piece::Instances(instances),
        })
    }
}

impl Piece<Prints> {
    fn put_into(&self, state: &mut State) {
        match self {
            Self::Caches(caches) => {
                for (cache, prints) in caches {
                    state.put_cache(cache, prints.as_ref());
                }
            }
            Self::Snapshots(all) => all.iter().for_each(|(id, prints)| state.put_snapshot(*id, prints)),
            Self::Instances(instances) => {
                instances.iter().for_each(|instance| state.put_instance(instance));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{AccountId, ByteSize, CacheState, Platform, Timestamp};
    use proptest::prelude::*;
    use testkit::matching::cache_id;

    use super::*;

    fn outline(number: u32) -> OutlineAndSummary {
        let outline = CacheOutline {
            id: cache_id(number),
            account: AccountId::local(),
            state: CacheState::Ready,
            created: Timestamp::from_micros(0),
            size_limit: ByteSize::ZERO,
            platform: Platform::linux_amd64(),
            snapshot: None,
            generations: Vec::new(),
            is_deleting: false,
        };
        (outline, None)
    }

    /// The page that a reader in that order reads next.
    fn next(caches: u32, order: Order, after: Option<CacheId>, limit: usize) -> Vec<OutlineAndSummary> {
        let all = (0..caches).map(outline);
        match order {
            Order::OldestFirst => {
                all.filter(|(cache, _)| after.is_none_or(|after| cache.id > after)).take(limit).collect()
            }
            Order::NewestFirst => all
                .rev()
                .filter(|(cache, _)| after.is_none_or(|after| cache.id < after))
                .take(limit)
                .collect(),
        }
    }

    proptest! {
        #[test]
        fn between_both_ends_every_cache_is_read_once(
            caches in 0_u32..40,
            limit in 1_usize..9,
            steps in proptest::collection::vec((0_usize..2, any::<bool>()), 0..80),
        ) {
            let reached = Reached::default();
            let mut given = Vec::new();
            let orders = [Order::OldestFirst, Order::NewestFirst];
            // Of each reader: where it is, the page that is on its way, and whether it has ended.
            let mut readers = [(None, None, false), (None, None, false)];
            // After the steps, each to its end.
            let to_the_end = (0..200).map(|step| (step % 2, true));
            for (which, arrives) in steps.into_iter().chain(to_the_end) {
                let (after, on_its_way, ended) = &mut readers[which];
                let page = on_its_way.take().unwrap_or_else(|| next(caches, orders[which], *after, limit));
                if *ended {
                    continue;
                }
                if !arrives {
                    *on_its_way = Some(page);
                    continue;
                }
                let mut page = page;
                *after = page.last().map(|(cache, _)| cache.id);
                *ended = reached.take(orders[which], &mut page);
                given.extend(page.into_iter().map(|(cache, _)| cache.id));
            }
            prop_assert!(readers.iter().all(|(_, _, ended)| *ended));
            given.sort_unstable();
            prop_assert_eq!(given, (0..caches).map(cache_id).collect::<Vec<_>>());
        }
    }
}
