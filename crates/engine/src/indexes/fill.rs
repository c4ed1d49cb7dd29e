//! The indexes as the records have it now.

use std::sync::Arc;

use metastore::{CacheOutline, InstanceFilter, Page};
use model::{ImageSnapshotId, Instance, SnapshotSummary};
use tokio::sync::mpsc;

use super::state::State;
use crate::build::Workshop;
use crate::{Error, LayerUses};

/// Caches that are read at once: few, so that little memory lies about when all are read.
const CACHES: u32 = 250;

/// Pages that were read and are not put in yet.
const WAITING: usize = 3;

/// A page of what the indexes are made of.
enum Piece {
    Caches(Vec<(CacheOutline, Option<SnapshotSummary>)>),
    Snapshots(Vec<(ImageSnapshotId, SnapshotSummary)>),
    Instances(Vec<Instance>),
}

/// Reads all records and puts them in, at once: the reading on this task, the others on threads of
/// their own. At no time are all
/// summaries in memory.
///
/// # Errors
/// Those of the records.
pub(super) async fn fill(workshop: &Workshop) -> Result<State, Error> {
    let (to_match, mut matched) = mpsc::channel::<Arc<Piece>>(WAITING);
    let (to_count, mut counted) = mpsc::channel::<Arc<Piece>>(WAITING);
    let state = tokio::task::spawn_blocking(move || {
        let mut state = State::default();
        while let Some(piece) = matched.blocking_recv() {
            piece.put_into(&mut state);
        }
        state
    });
    let uses = tokio::task::spawn_blocking(move || {
        let mut uses = LayerUses::default();
        while let Some(piece) = counted.blocking_recv() {
            piece.count_into(&mut uses);
        }
        uses
    });
    read_all(workshop, [to_match, to_count]).await?;
    let unfailing = "putting in what was read fails nowhere, and nobody cancels it";
    let mut state = state.await.expect(unfailing);
    state.uses = uses.await.expect(unfailing);
    Ok(state)
}

async fn read_all(workshop: &Workshop, takers: [mpsc::Sender<Arc<Piece>>; 2]) -> Result<(), Error> {
    let records = &*workshop.parts.records;
    let give = async |piece| {
        let piece = Arc::new(piece);
        for taker in &takers {
            // Both wait for the last piece.
            let _ = taker.send(Arc::clone(&piece)).await;
        }
    };
    let mut page = Page { limit: CACHES, ..Page::first() };
    loop {
        let mut found = records.outline_caches_and_snapshots(page).await?;
        let Some((last, _)) = found.last() else { break };
        page.after = Some(last.id);
        for (cache, summary) in &mut found {
            if let (Some(snapshot), Some(old)) =
                (cache.snapshot, summary.take_if(|found| found.images.is_empty()))
            {
                *summary = Some(workshop.summary_or_document(snapshot, old).await?);
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
            summaries.push((snapshot.id, workshop.summary_of(snapshot).await?));
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

impl Piece {
    fn put_into(&self, state: &mut State) {
        match self {
            Self::Caches(caches) => {
                for (cache, summary) in caches {
                    state.put_cache(cache, summary.as_ref());
                }
            }
            Self::Snapshots(_) => {}
            Self::Instances(instances) => {
                instances.iter().for_each(|instance| state.put_instance(instance));
            }
        }
    }

    fn count_into(&self, uses: &mut LayerUses) {
        match self {
            Self::Caches(caches) => {
                for (cache, summary) in caches {
                    if let (Some(snapshot), Some(summary)) = (cache.snapshot, summary) {
                        uses.insert(snapshot, summary);
                    }
                }
            }
            Self::Snapshots(all) => all.iter().for_each(|(id, summary)| uses.insert(*id, summary)),
            Self::Instances(_) => {}
        }
    }
}
