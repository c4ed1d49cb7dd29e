//! Builds in memory.

use model::{BuildFailure, BuildId, CacheId, ImageCache, ImageSnapshotId, Timestamp};

use super::Records;
use crate::{
    Build, BuildState, CacheChange, Error, NewBuild, ProcessIdentity, Result, SnapshotRecord, rules,
};

impl Records {
    pub(super) fn build(&self, id: BuildId) -> Result<&Build> {
        self.builds.get(&id).ok_or(Error::NoBuild(id))
    }

    pub(super) fn running_build(&self, cache: CacheId) -> Option<BuildId> {
        let of_cache = self.builds.values().filter(|build| build.cache == cache);
        of_cache.filter(|build| build.state == BuildState::Running).map(|build| build.id).next()
    }

    pub(super) fn begin_build(&mut self, build: &NewBuild) -> Result<ImageCache> {
        let cache = self.cache(build.cache)?.clone();
        if let Some(running) = self.running_build(cache.id) {
            return Err(Error::CacheBuilding { cache: cache.id, build: running });
        }
        let cache = rules::begin_build(cache, build.started)?;
        if self.builds.contains_key(&build.id) {
            return Err(Error::Conflict { object: "build", why: format!("the id {} is taken", build.id) });
        }
        self.builds.insert(build.id, rules::new_build(build));
        self.caches.insert(cache.id, cache.clone());
        Ok(cache)
    }

    pub(super) fn finish_build(
        &mut self,
        id: BuildId,
        owner: &ProcessIdentity,
        snapshot: &SnapshotRecord,
        now: Timestamp,
    ) -> Result<CacheChange> {
        let mut build = self.build(id)?.clone();
        rules::check_end(&build, owner)?;
        rules::check_snapshot(&build, snapshot)?;
        let before = self.cache(build.cache)?.clone();
        let superseded = before.snapshot;
        let cache = rules::finish_build(before, snapshot, now)?;
        (build.state, build.finished) = (BuildState::Succeeded, Some(now));
        self.builds.insert(id, build);
        self.snapshots.insert(snapshot.id, *snapshot);
        self.caches.insert(cache.id, cache.clone());
        let released = self.release(superseded);
        Ok(CacheChange { cache, released })
    }

    pub(super) fn fail_build(
        &mut self,
        id: BuildId,
        owner: &ProcessIdentity,
        failure: &BuildFailure,
        now: Timestamp,
    ) -> Result<ImageCache> {
        let mut build = self.build(id)?.clone();
        rules::check_end(&build, owner)?;
        let cache = rules::fail_build(self.cache(build.cache)?.clone(), failure, now)?;
        (build.state, build.finished) = (BuildState::Failed, Some(now));
        build.failure = Some(rules::bounded_failure(failure));
        self.builds.insert(id, build);
        self.caches.insert(cache.id, cache.clone());
        Ok(cache)
    }

    pub(super) fn claim_build(&mut self, id: BuildId, to: &ProcessIdentity) -> Result<Build> {
        let build = self.builds.get_mut(&id).ok_or(Error::NoBuild(id))?;
        build.owner = to.clone();
        build.attempts = build.attempts.saturating_add(1);
        Ok(build.clone())
    }

    pub(super) fn retained(&self) -> Vec<ImageSnapshotId> {
        let running = self.builds.values().filter(|build| build.state == BuildState::Running);
        let mut ids: Vec<_> =
            self.snapshots.keys().copied().chain(running.map(|build| build.snapshot)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}
