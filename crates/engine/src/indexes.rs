//! What is kept in memory of all records: a match index for each account, whose snapshots are whose, and which of them share
//! which layers.
//!
//! Filled as soon as a server runs, and else when it is first asked, from the records alone: no image snapshot's document is opened. Afterwards it follows the
//! changes; where it has slept through more of them than are kept, it is filled anew. Whoever asks is answered as of the
//! newest change: a cache that became usable, here or in another process, is found from then on.

mod fill;
mod state;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

use metastore::{CacheOutline, ChangeKind, ChangeNumber, InstanceRef, SnapshotRecord};
use model::matching::{MatchRequest, Ranking};
use model::{AccountId, CacheId, DiffId, ImageSnapshotId, InstanceId, Subject};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::build::Workshop;
use crate::match_index::Prints;
use crate::{Error, SharedSizes};
use state::State;
pub(crate) use state::candidate;

/// Changes that are read at once.
const CHANGES: u32 = 1000;

/// The indexes of all accounts. Empty until they are first brought up to date.
#[derive(Default)]
pub(crate) struct Indexes {
    state: RwLock<State>,
    /// Up to which change the state is right; `None` before it was filled. Held while it is brought up to date.
    seen: Mutex<Option<ChangeNumber>>,
    /// Somebody has brought them up to date, or failed to.
    looked_at: CancellationToken,
}

impl Indexes {
    /// Brings them up to date with the records.
    ///
    /// # Errors
    /// Those of the records; the indexes stay as they were then.
    pub(crate) async fn update(&self, workshop: &Workshop) -> Result<(), Error> {
        let mut seen = self.seen.lock().await;
        let followed = self.follow_from(&mut seen, workshop).await;
        self.looked_at.cancel();
        followed
    }

    /// Waits until they have been brought up to date once, or could not be.
    pub(crate) async fn looked_at(&self) {
        self.looked_at.cancelled().await;
    }

    async fn follow_from(&self, seen: &mut Option<ChangeNumber>, workshop: &Workshop) -> Result<(), Error> {
        let records = &*workshop.parts.records;
        loop {
            let Some(from) = *seen else {
                let at = records.newest_change().await?;
                let filled = fill::fill(workshop).await?;
                *self.state.write().unwrap_or_else(PoisonError::into_inner) = filled;
                *seen = Some(at);
                return Ok(());
            };
            let Some(changes) = records.changes(from, CHANGES).await? else {
                *seen = None;
                continue;
            };
            let Some(last) = changes.last().map(|change| change.number) else { return Ok(()) };
            // What a record is now, the record says: of several changes the last one is enough.
            let subjects: HashMap<Subject, (ChangeKind, AccountId)> =
                changes.into_iter().map(|change| (change.subject, (change.kind, change.account))).collect();
            for (subject, (kind, account)) in subjects {
                self.follow(workshop, subject, kind, &account).await?;
            }
            *seen = Some(last);
        }
    }

    async fn follow(
        &self,
        workshop: &Workshop,
        subject: Subject,
        kind: ChangeKind,
        account: &AccountId,
    ) -> Result<(), Error> {
        let dropped = match (subject, kind) {
            (Subject::Cache(id), ChangeKind::Put) => self.put_cache(workshop, id).await?,
            (Subject::Cache(id), ChangeKind::Gone) => self.write(|state| state.remove_cache(id)),
            (Subject::Instance(id), ChangeKind::Put) => self.put_instance(workshop, id, account).await?,
            (Subject::Instance(id), ChangeKind::Gone) => self.write(|state| state.remove_instance(id)),
            (Subject::Group(_), _) => BTreeSet::new(),
        };
        for snapshot in dropped {
            // Somebody else may name it: what is indexed, is named.
            if workshop.parts.records.snapshot(snapshot).await?.is_none() {
                self.write(|state| state.remove_snapshot(snapshot));
            }
        }
        Ok(())
    }

    async fn put_cache(&self, workshop: &Workshop, id: CacheId) -> Result<BTreeSet<ImageSnapshotId>, Error> {
        let cache = match workshop.parts.records.cache(id).await {
            Err(metastore::Error::NoCache(_)) => return Ok(self.write(|state| state.remove_cache(id))),
            cache => CacheOutline::from(&cache?),
        };
        // An event or a sign of life is a change of the record, too, and changes nothing that is kept here.
        if self.read(|state| state.knows(&cache)) {
            return Ok(BTreeSet::new());
        }
        let keys = self.read(State::keys);
        let mut served = None;
        for snapshot in state::snapshots_of(&cache) {
            let is_served = cache.snapshot == Some(snapshot);
            if (is_served || !self.read(|state| state.has_snapshot(snapshot)))
                && let Some(found) = workshop.parts.records.snapshot(snapshot).await?
            {
                let prints = Prints::of_summary(&keys, &workshop.summary_of(found).await?);
                self.write(|state| state.put_snapshot(snapshot, &prints));
                served = served.or(is_served.then_some(prints));
            }
        }
        Ok(self.write(|state| state.put_cache(&cache, served.as_ref())))
    }

    async fn put_instance(
        &self,
        workshop: &Workshop,
        id: InstanceId,
        account: &AccountId,
    ) -> Result<BTreeSet<ImageSnapshotId>, Error> {
        if self.read(|state| state.knows_instance(id)) {
            return Ok(BTreeSet::new());
        }
        let instance = match workshop.parts.records.instance(account, &InstanceRef::Id(id)).await {
            Err(metastore::Error::NoInstance(_)) => return Ok(BTreeSet::new()),
            instance => instance?,
        };
        let known = self.read(|state| state.has_snapshot(instance.snapshot));
        let found = if known { None } else { workshop.parts.records.snapshot(instance.snapshot).await? };
        self.write(|state| {
            state.put_instance(&instance);
            if let Some(found) = &found {
                state.put_snapshot(found.id, &Prints::of_summary(&state.keys(), &found.summary));
            }
        });
        Ok(BTreeSet::new())
    }

    /// Ranks the account's caches. Only what the account has is looked at.
    pub(crate) fn rank(&self, account: &AccountId, request: &MatchRequest, limit: usize) -> Ranking {
        self.read(|state| state.rank(account, request, limit))
    }

    /// Which of these layers the account has: those of the snapshots that its caches, generations and instances name.
    pub(crate) fn layers_had(
        &self,
        account: &AccountId,
        among: impl Iterator<Item = DiffId>,
    ) -> HashSet<DiffId> {
        self.read(|state| state.layers_had(account, among))
    }

    /// What a cache has that serves that snapshot and can go back to those.
    pub(crate) fn sizes_of(
        &self,
        served: Option<&SnapshotRecord>,
        earlier: &[SnapshotRecord],
    ) -> SharedSizes {
        let earlier: Vec<_> = earlier.iter().map(|record| (record.id, &record.summary)).collect();
        self.read(|state| state.sizes_of(served.map(|record| (record.id, &record.summary)), &earlier))
    }

    fn read<T>(&self, act: impl FnOnce(&State) -> T) -> T {
        act(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}
