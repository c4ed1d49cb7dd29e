//! Builds: asked for, taken in turns, ended, taken over.

use async_trait::async_trait;
use model::{BuildFailure, BuildId, CacheId, Event, ImageCache, Percent, SnapshotCopies, Timestamp};

use super::super::MemoryMetastore;
use super::super::find::page_of;
use crate::{
    Beat, Build, BuildState, BuildVerbs, CacheChange, NewBuild, Page, ProcessIdentity, Result,
    SnapshotRecord, Turns,
};

#[async_trait]
impl BuildVerbs for MemoryMetastore {
    async fn begin_build(&self, build: &NewBuild, events: &[Event]) -> Result<ImageCache> {
        self.write(events, Some(build.now), |records| records.begin_build(build))
    }

    async fn take_queued_build(
        &self,
        owner: &ProcessIdentity,
        turns: Turns,
        now: Timestamp,
    ) -> Result<Option<Build>> {
        self.write(&[], Some(now), |records| records.take_build(owner, turns, now))
    }

    async fn beat_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        progress: Percent,
        now: Timestamp,
    ) -> Result<Beat> {
        self.write(&[], Some(now), |records| records.beat(id, owner, progress, now))
    }

    async fn cancel_build(
        &self,
        id: BuildId,
        failure: &BuildFailure,
        events: &[Event],
        now: Timestamp,
    ) -> Result<()> {
        self.write_if(events, Some(now), |records| {
            records.cancel_build(id, failure, now).map(|is_news| ((), is_news))
        })
    }

    async fn finish_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        snapshot: &SnapshotRecord,
        copies: SnapshotCopies,
        keep: Option<Timestamp>,
        events: &[Event],
        now: Timestamp,
    ) -> Result<CacheChange> {
        self.write(events, Some(now), |records| {
            records.finish_build(id, owner, snapshot, (copies, keep), now)
        })
    }

    async fn fail_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        failure: &BuildFailure,
        events: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache> {
        self.write(events, Some(now), |records| records.fail_build(id, owner, failure, now))
    }

    async fn build(&self, id: BuildId) -> Result<Build> {
        self.records().build(id).cloned()
    }

    async fn build_of_cache(&self, cache: CacheId) -> Result<Option<Build>> {
        Ok(self.records().unfinished_build(cache).cloned())
    }

    async fn unfinished_builds(&self, caches: &[CacheId]) -> Result<Vec<Build>> {
        let records = self.records();
        let is_wanted = |build: &&Build| {
            caches.contains(&build.cache) && matches!(build.state, BuildState::Queued | BuildState::Running)
        };
        Ok(records.builds.values().filter(is_wanted).cloned().collect())
    }

    async fn running_builds(&self, page: Page<BuildId>) -> Result<Vec<Build>> {
        Ok(page_of(&self.records().builds, page, |build| build.state == BuildState::Running))
    }

    async fn count_running_builds(&self) -> Result<u64> {
        let records = self.records();
        let running = records.builds.values().filter(|build| build.state == BuildState::Running);
        Ok(running.count() as u64)
    }

    async fn claim_build(
        &self,
        id: BuildId,
        from: &ProcessIdentity,
        to: &ProcessIdentity,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Option<Build>> {
        self.write_if(events, Some(now), |records| {
            let claimed = records.claim_build(id, from, to, now);
            let is_news = claimed.is_some();
            Ok((claimed, is_news))
        })
    }
}
