//! Work of this process, for commands where no server runs.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use engine::{BuildHandle, BuildProgress};
use model::CacheId;
use tokio_util::sync::CancellationToken;

/// Builds that were asked for and run in this process, and what starts fetch.
#[derive(Debug, Default)]
pub struct BuiltHere {
    builds: Mutex<HashMap<CacheId, BuildHandle>>,
    fetching: BuildProgress,
    is_fetching: AtomicBool,
    cancelled: CancellationToken,
}

impl BuiltHere {
    /// Takes the build of that cache; `None` where none was begun, or it was taken before.
    #[must_use]
    pub fn take(&self, cache: CacheId) -> Option<BuildHandle> {
        self.builds.lock().unwrap_or_else(PoisonError::into_inner).remove(&cache)
    }

    pub(super) fn keep(&self, build: Option<BuildHandle>) {
        let Some(build) = build else { return };
        self.builds.lock().unwrap_or_else(PoisonError::into_inner).insert(build.cache.id, build);
    }

    /// How far it is with what is fetched for the instance that is being started.
    #[must_use]
    pub fn fetching(&self) -> &BuildProgress {
        &self.fetching
    }

    /// Ends the fetching for the instance that is being started, which is refused as cancelled then. False where nothing is being
    /// fetched.
    #[must_use]
    pub fn cancel_fetching(&self) -> bool {
        let is_fetching = self.is_fetching.load(Ordering::SeqCst);
        if is_fetching {
            self.cancelled.cancel();
        }
        is_fetching
    }

    /// Does work that fetches; `None` where it was cancelled.
    pub(super) async fn while_fetching<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.is_fetching.store(true, Ordering::SeqCst);
        let done = self.cancelled.run_until_cancelled(work).await;
        self.is_fetching.store(false, Ordering::SeqCst);
        done
    }
}
