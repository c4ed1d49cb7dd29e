//! The indexes as the records have it now.

use std::collections::HashMap;

use metastore::{CacheOutline, InstanceFilter, Page};
use model::{ImageSnapshotId, Instance, SnapshotSummary};
use tokio::sync::mpsc;

use super::state::State;
use crate::Error;
use crate::build::Workshop;

/// Pages that were read and are not put in yet.
const WAITING: usize = 4;

/// A page of what the indexes are made of.
enum Piece {
    Caches(Vec<CacheOutline>),
    Snapshots(Vec<(ImageSnapshotId, SnapshotSummary)>),
    Instances(Vec<Instance>),
}

/// Reads all records and puts them in, at once: the reading on this task, the other on a thread of its own. At no time are all
/// summaries in memory.
///
/// # Errors
/// Those of the records.
pub(super) async fn fill(workshop: &Workshop) -> Result<State, Error> {
    let (pieces, mut read) = mpsc::channel(WAITING);
    let filled = tokio::task::spawn_blocking(move || {
        let mut filling = Filling::default();
        while let Some(piece) = read.blocking_recv() {
            filling.put(piece);
        }
        filling.finished()
    });
    read_all(workshop, pieces).await?;
    Ok(filled.await.expect("putting in what was read fails nowhere, and nobody cancels it"))
}

async fn read_all(workshop: &Workshop, pieces: mpsc::Sender<Piece>) -> Result<(), Error> {
    let records = &*workshop.parts.records;
    let give = async |piece| pieces.send(piece).await.expect("who puts in waits for the last piece");
    let mut page = Page::first();
    loop {
        let found = records.outline_caches(page).await?;
        let Some(last) = found.last() else { break };
        page = Page::after(last.id);
        give(Piece::Caches(found)).await;
    }
    let mut page = Page::first();
    loop {
        let found = records.find_snapshots(page).await?;
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

/// The indexes, and the caches whose snapshots were not met yet.
#[derive(Default)]
struct Filling {
    state: State,
    outlines: HashMap<ImageSnapshotId, CacheOutline>,
}

impl Filling {
    fn put(&mut self, piece: Piece) {
        match piece {
            Piece::Caches(caches) => caches.into_iter().for_each(|cache| self.put_cache(cache)),
            Piece::Snapshots(snapshots) => {
                snapshots.iter().for_each(|(id, summary)| self.put_snapshot(*id, summary));
            }
            Piece::Instances(instances) => {
                instances.iter().for_each(|instance| self.state.put_instance(instance));
            }
        }
    }

    fn put_cache(&mut self, cache: CacheOutline) {
        match cache.snapshot.filter(|_| !cache.is_deleting) {
            // It is put in with what it serves.
            Some(snapshot) => drop(self.outlines.insert(snapshot, cache)),
            // What is to be deleted serves no new start.
            None => drop(self.state.put_cache(&cache, None)),
        }
    }

    /// What is left serves a snapshot that nothing is recorded of: it changes at this moment, and is looked at again.
    fn finished(mut self) -> State {
        for cache in self.outlines.values() {
            self.state.put_cache(cache, None);
        }
        self.state
    }

    fn put_snapshot(&mut self, id: ImageSnapshotId, summary: &SnapshotSummary) {
        self.state.uses.insert(id, summary);
        if let Some(cache) = self.outlines.remove(&id) {
            self.state.put_cache(&cache, Some(summary));
        }
    }
}
