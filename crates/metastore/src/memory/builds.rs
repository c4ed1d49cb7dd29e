//! Builds in memory.

use model::{
    BuildFailure, BuildId, CacheId, ImageCache, ImageSnapshotId, Percent, SnapshotCopies, Timestamp,
};

use super::Records;
use crate::error::taken;
use crate::rules::Waiting;
use crate::{
    Beat, Build, BuildState, CacheChange, Error, NewBuild, ProcessIdentity, Result, SnapshotRecord, Turns,
    rules,
};

impl Records {
    pub(super) fn build(&self, id: BuildId) -> Result<&Build> {
        self.builds.get(&id).ok_or(Error::NoBuild(id))
    }

    /// The cache's build that waits or runs.
    pub(super) fn unfinished_build(&self, cache: CacheId) -> Option<&Build> {
        let mut of_cache = self.builds.values().filter(|build| build.cache == cache);
        of_cache.find(|build| rules::is_unfinished(build.state))
    }

    fn put(&mut self, cache: &ImageCache, build: Build) {
        self.put_cache(cache);
        self.builds.insert(build.id, build);
    }

    pub(super) fn begin_build(&mut self, build: &NewBuild) -> Result<ImageCache> {
        let cache = self.cache(build.cache)?.clone();
        let unfinished = self.unfinished_build(cache.id).map(|build| build.id);
        let (cache, record) = rules::begin_build(cache, build, unfinished)?;
        if self.builds.contains_key(&build.id) {
            return Err(taken("build", build.id));
        }
        self.put(&cache, record);
        self.builds.retain(|_, build| build.cache != cache.id || rules::is_unfinished(build.state));
        Ok(cache)
    }

    pub(super) fn take_build(
        &mut self,
        owner: &ProcessIdentity,
        turns: Turns,
        now: Timestamp,
    ) -> Result<Option<Build>> {
        let queued = self.builds.values().filter(|build| build.state == BuildState::Queued);
        let waiting = queued.map(|build| Waiting {
            running: self.running_of(&build.account),
            queued: build.queued,
            build: build.id,
        });
        let Some(id) = rules::whose_turn(waiting, turns) else { return Ok(None) };
        let build = self.build(id)?.clone();
        let (cache, build) = rules::take_build(self.cache(build.cache)?.clone(), build, owner, now)?;
        self.put(&cache, build.clone());
        Ok(Some(build))
    }

    fn running_of(&self, account: &model::AccountId) -> u64 {
        let running = self.builds.values().filter(|build| build.state == BuildState::Running);
        running.filter(|build| build.account == *account).count() as u64
    }

    pub(super) fn beat(
        &mut self,
        id: BuildId,
        owner: &ProcessIdentity,
        progress: Percent,
        now: Timestamp,
    ) -> Result<Beat> {
        let known = self.builds.get(&id);
        let Some(build) = known.and_then(|build| rules::has_beaten(build, owner, now)) else {
            return Ok(Beat::Lost);
        };
        let mut cache = self.cache(build.cache)?.clone();
        if cache.progress != progress {
            cache.progress = progress;
            self.put_cache(&cache);
        }
        let cancelled = build.cancelled;
        self.builds.insert(id, build);
        Ok(if cancelled { Beat::Cancelled } else { Beat::GoOn })
    }

    /// Whether there was anything to cancel.
    pub(super) fn cancel_build(
        &mut self,
        id: BuildId,
        failure: &BuildFailure,
        now: Timestamp,
    ) -> Result<bool> {
        match self.builds.get(&id).cloned() {
            Some(build) => self.stop_build(build, failure, now),
            None => Ok(false),
        }
    }

    /// Fails a build that waits, asks one that runs to end, leaves one that has ended; whether that changed anything.
    pub(super) fn stop_build(
        &mut self,
        build: Build,
        failure: &BuildFailure,
        now: Timestamp,
    ) -> Result<bool> {
        let cache = self.cache(build.cache)?.clone();
        if build.state == BuildState::Queued {
            let (cache, build) = rules::end_waiting(cache, build, failure, now)?;
            self.put(&cache, build);
            return Ok(true);
        }
        let Some(build) = rules::cancel_build(&build) else { return Ok(false) };
        self.put(&cache, build);
        Ok(true)
    }

    pub(super) fn finish_build(
        &mut self,
        id: BuildId,
        owner: &ProcessIdentity,
        snapshot: &SnapshotRecord,
        (copies, keep): (SnapshotCopies, Option<Timestamp>),
        now: Timestamp,
    ) -> Result<CacheChange> {
        let build = self.build(id)?.clone();
        let before = self.cache(build.cache)?.clone();
        let superseded = rules::named_snapshots(&before);
        let (cache, build) = rules::finish_build(before, build, owner, snapshot, (copies, keep), now)?;
        self.snapshots.insert(snapshot.id, snapshot.clone());
        self.put(&cache, build);
        let released = self.release(&superseded);
        Ok(CacheChange { cache, released })
    }

    pub(super) fn fail_build(
        &mut self,
        id: BuildId,
        owner: &ProcessIdentity,
        failure: &BuildFailure,
        now: Timestamp,
    ) -> Result<ImageCache> {
        let build = self.build(id)?.clone();
        let cache = self.cache(build.cache)?.clone();
        let (cache, build) = rules::fail_build(cache, build, owner, failure, now)?;
        self.put(&cache, build);
        Ok(cache)
    }

    pub(super) fn claim_build(
        &mut self,
        id: BuildId,
        from: &ProcessIdentity,
        to: &ProcessIdentity,
        now: Timestamp,
    ) -> Option<Build> {
        let build = rules::claim_build(self.builds.get(&id)?.clone(), from, to, now)?;
        self.builds.insert(id, build.clone());
        Some(build)
    }

    pub(super) fn retained(&self) -> Vec<ImageSnapshotId> {
        let unfinished = self.builds.values().filter(|build| rules::is_unfinished(build.state));
        let mut ids: Vec<_> =
            self.snapshots.keys().copied().chain(unfinished.map(|build| build.snapshot)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}
