//! The builds that run in this process, to be looked at and cancelled without a way over the records.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{BuildId, CacheId, ImageCache};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{BuildOrder, BuildProgress};

struct Entry {
    cache: CacheId,
    progress: BuildProgress,
    cancel: CancellationToken,
}

/// Builds that have ended and of which is still known how far each layer came.
const ENDED: usize = 64;

/// The map, and a word whenever one has left it.
#[derive(Default)]
struct Entries {
    map: Mutex<HashMap<BuildId, Entry>>,
    /// Those that left it last, the newest at the end.
    ended: Mutex<VecDeque<(CacheId, BuildProgress)>>,
    left: Notify,
}

/// The builds that run in this process.
#[derive(Default)]
pub(crate) struct Running(Arc<Entries>);

/// A build's place among them, left when this is dropped.
pub(crate) struct Place {
    entries: Arc<Entries>,
    id: BuildId,
}

fn locked(entries: &Entries) -> MutexGuard<'_, HashMap<BuildId, Entry>> {
    entries.map.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(entry) = locked(&self.entries).remove(&self.id) {
            let mut ended = self.entries.ended.lock().unwrap_or_else(PoisonError::into_inner);
            ended.retain(|(cache, _)| *cache != entry.cache);
            ended.push_back((entry.cache, entry.progress));
            if ended.len() > ENDED {
                ended.pop_front();
            }
        }
        self.entries.left.notify_waiters();
    }
}

impl Running {
    pub(super) fn enter(
        &self,
        order: &BuildOrder,
        progress: &BuildProgress,
        cancel: &CancellationToken,
    ) -> Place {
        let entry = Entry { cache: order.cache.id, progress: progress.clone(), cancel: cancel.clone() };
        locked(&self.0).insert(order.id, entry);
        Place { entries: Arc::clone(&self.0), id: order.id }
    }

    pub(crate) fn count(&self) -> usize {
        locked(&self.0).len()
    }

    /// Waits until there is none.
    pub(crate) async fn empty(&self) {
        loop {
            let left = self.0.left.notified();
            if self.count() == 0 {
                return;
            }
            left.await;
        }
    }

    pub(crate) fn ids(&self) -> Vec<BuildId> {
        locked(&self.0).keys().copied().collect()
    }

    /// How far the cache's build is, or was when it ended; nothing where a further one waits, or runs elsewhere.
    pub(crate) fn progress(&self, cache: &ImageCache) -> Option<BuildProgress> {
        let runs = locked(&self.0)
            .values()
            .find(|entry| entry.cache == cache.id)
            .map(|entry| entry.progress.clone());
        if runs.is_some() || cache.state.is_building() {
            return runs;
        }
        let ended = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.iter().find(|(of, _)| *of == cache.id).map(|(_, progress)| progress.clone())
    }

    pub(super) fn cancel(&self, cache: CacheId) {
        for entry in locked(&self.0).values().filter(|entry| entry.cache == cache) {
            entry.cancel.cancel();
        }
    }
}
