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

    /// How far that build is; nothing where it waits, or runs elsewhere.
    pub(crate) fn of(&self, build: BuildId) -> Option<BuildProgress> {
        locked(&self.0).get(&build).map(|entry| entry.progress.clone())
    }

    /// How far the cache's last build came that ran here. A place is left a moment after the record of its end.
    pub(crate) fn last(&self, cache: &ImageCache) -> Option<BuildProgress> {
        let leaving = locked(&self.0)
            .iter()
            .filter(|(_, entry)| entry.cache == cache.id)
            .max_by_key(|(id, _)| **id)
            .map(|(_, entry)| entry.progress.clone());
        if leaving.is_some() {
            return leaving;
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

#[cfg(test)]
mod tests {
    use metastore::BuildPlan;
    use model::{
        AccountId, ByteSize, CachePolicy, ImageSnapshotId, NewImageCache, Origin, Platform, RegistryAccess,
        Timestamp,
    };

    use super::*;

    fn cache() -> ImageCache {
        let new = NewImageCache {
            account: AccountId::local(),
            name: "web".parse().unwrap(),
            origin: Origin::Manual,
            images: Vec::new(),
            platform: Platform::linux_amd64(),
            size_limit: ByteSize::gib(1),
            policy: CachePolicy::default(),
            access: RegistryAccess::default(),
            notes: None,
        };
        ImageCache::asked_for(new, Timestamp::from_micros(0))
    }

    #[test]
    fn a_build_is_not_told_as_the_one_before_whose_place_is_not_left_yet() {
        let (running, cache) = (Running::default(), cache());
        let order = || BuildOrder {
            cache: cache.clone(),
            id: BuildId::generate(),
            snapshot: ImageSnapshotId::generate(),
            plan: BuildPlan { images: Vec::new(), size_limit: ByteSize::gib(1) },
        };
        let (before, next) = (order(), order());
        let progress = BuildProgress::default();
        let place = running.enter(&before, &progress, &CancellationToken::new());
        assert!(running.of(before.id).is_some() && running.of(next.id).is_none());
        drop(place);
        assert!(running.of(before.id).is_none() && running.last(&cache).is_some());
    }
}
