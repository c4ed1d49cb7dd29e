//! The indexes as the records have it now.

use metastore::{CacheOutline, InstanceFilter, Page};
use model::{ImageSnapshotId, Instance, PackedSummary, SnapshotSummary};
use tokio::sync::mpsc;

use super::state::State;
use crate::Error;
use crate::build::Workshop;
use crate::match_index::{Fingerprints, Prints};

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
    Ok(putting.await.expect(unfailing))
}

async fn read_all(workshop: &Workshop, taker: mpsc::Sender<Piece<PackedSummary>>) -> Result<(), Error> {
    let records = &*workshop.parts.records;
    // Who takes them ends early only over a broken one, and says so.
    let give = async |piece| _ = taker.send(piece).await;
    let mut page = Page { limit: CACHES, ..Page::first() };
    loop {
        let mut found = records.outline_caches_and_snapshots(page).await?;
        let Some((last, _)) = found.last() else { break };
        page.after = Some(last.id);
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
