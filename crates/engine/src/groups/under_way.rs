//! The groups that this process works at: one worker for each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::GroupId;
use tokio::sync::Notify;

type Workers = BTreeMap<GroupId, Arc<Notify>>;

/// The groups that this process works at.
#[derive(Debug, Default)]
pub(crate) struct UnderWay(Arc<Mutex<Workers>>);

/// The place of a worker, left when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    workers: Arc<Mutex<Workers>>,
    group: GroupId,
    /// Rung where there is something new to know of the group.
    pub(super) nudged: Arc<Notify>,
}

fn locked(workers: &Mutex<Workers>) -> MutexGuard<'_, Workers> {
    workers.lock().unwrap_or_else(PoisonError::into_inner)
}

impl UnderWay {
    /// A place at that group, if nobody has it.
    pub(crate) fn enter(&self, group: GroupId) -> Option<Place> {
        let nudged = Arc::new(Notify::new());
        let mut workers = locked(&self.0);
        if workers.contains_key(&group) {
            return None;
        }
        workers.insert(group, Arc::clone(&nudged));
        Some(Place { workers: Arc::clone(&self.0), group, nudged })
    }

    /// Tells who works at that group to look again.
    pub(crate) fn nudge(&self, group: GroupId) {
        if let Some(nudged) = locked(&self.0).get(&group) {
            nudged.notify_one();
        }
    }

    pub(crate) fn groups(&self) -> BTreeSet<GroupId> {
        locked(&self.0).keys().copied().collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        locked(&self.workers).remove(&self.group);
    }
}
