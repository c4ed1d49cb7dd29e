//! Builds of this process, for commands where no server runs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use engine::BuildHandle;
use model::CacheId;

/// Builds that were asked for and run in this process.
#[derive(Debug, Default)]
pub struct BuiltHere(Mutex<HashMap<CacheId, BuildHandle>>);

impl BuiltHere {
    /// Takes the build of that cache; `None` where none was begun, or it was taken before.
    #[must_use]
    pub fn take(&self, cache: CacheId) -> Option<BuildHandle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&cache)
    }

    pub(super) fn keep(&self, build: Option<BuildHandle>) {
        let Some(build) = build else { return };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(build.cache.id, build);
    }
}
