//! Builds: asked for, taken in turns, ended, taken over.

use async_trait::async_trait;
use model::{BuildFailure, BuildId, CacheId, Event, ImageCache, Percent, SnapshotCopies, Timestamp};

use super::super::{SqliteMetastore, builds, listing};
use super::put;
use crate::{
    Beat, Build, BuildVerbs, CacheChange, NewBuild, Page, ProcessIdentity, Result, SnapshotRecord, Turns,
};

#[async_trait]
impl BuildVerbs for SqliteMetastore {
    async fn begin_build(&self, build: &NewBuild, news: &[Event]) -> Result<ImageCache> {
        let mut writing = self.writing("begin the build").await?;
        let cache = builds::begin(&mut writing.transaction, build).await?;
        writing.conclude(put(&cache), news, Some(build.now)).await?;
        Ok(cache)
    }

    async fn take_queued_build(
        &self,
        owner: &ProcessIdentity,
        turns: Turns,
        now: Timestamp,
    ) -> Result<Option<Build>> {
        if !builds::any_waits(&mut *self.reading("find the waiting builds").await?).await? {
            return Ok(None);
        }
        let mut writing = self.writing("take the build").await?;
        let taken = builds::take(&mut writing.transaction, owner, turns, now).await?;
        let Some((cache, build)) = taken else { return Ok(None) };
        writing.conclude(put(&cache), &[], Some(now)).await?;
        Ok(Some(build))
    }

    async fn beat_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        progress: Percent,
        now: Timestamp,
    ) -> Result<Beat> {
        let mut writing = self.writing_quickly("note the build's progress").await?;
        let (beat, cache) = builds::beat(&mut writing.transaction, id, owner, progress, now).await?;
        if beat != Beat::Lost {
            writing.conclude(cache.as_ref().and_then(put), &[], Some(now)).await?;
        }
        Ok(beat)
    }

    async fn cancel_build(
        &self,
        id: BuildId,
        failure: &BuildFailure,
        news: &[Event],
        now: Timestamp,
    ) -> Result<()> {
        let mut writing = self.writing("cancel the build").await?;
        let cancelled = builds::cancel(&mut writing.transaction, id, failure, now).await?;
        let Some(cache) = cancelled else { return Ok(()) };
        writing.conclude(put(&cache), news, Some(now)).await
    }

    async fn finish_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        snapshot: &SnapshotRecord,
        copies: SnapshotCopies,
        keep: Option<Timestamp>,
        news: &[Event],
        now: Timestamp,
    ) -> Result<CacheChange> {
        let mut writing = self.writing("finish the build").await?;
        let change =
            builds::finish(&mut writing.transaction, id, owner, snapshot, (copies, keep), now).await?;
        writing.conclude(put(&change.cache), news, Some(now)).await?;
        Ok(change)
    }

    async fn fail_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        failure: &BuildFailure,
        news: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache> {
        let mut writing = self.writing("fail the build").await?;
        let cache = builds::fail(&mut writing.transaction, id, owner, failure, now).await?;
        writing.conclude(put(&cache), news, Some(now)).await?;
        Ok(cache)
    }

    async fn build(&self, id: BuildId) -> Result<Build> {
        builds::get(&mut *self.reading("read the build").await?, id).await
    }

    async fn build_of_cache(&self, cache: CacheId) -> Result<Option<Build>> {
        builds::unfinished_of(&mut *self.reading("find the cache's build").await?, cache).await
    }

    async fn unfinished_builds(&self, caches: &[CacheId]) -> Result<Vec<Build>> {
        listing::unfinished_builds(&mut *self.reading("find the caches' builds").await?, caches).await
    }

    async fn running_builds(&self, page: Page<BuildId>) -> Result<Vec<Build>> {
        builds::running(&mut *self.reading("find the running builds").await?, page).await
    }

    async fn claim_build(
        &self,
        id: BuildId,
        from: &ProcessIdentity,
        to: &ProcessIdentity,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Option<Build>> {
        let mut writing = self.writing("claim the build").await?;
        let Some(build) = builds::claim(&mut writing.transaction, id, from, to, now).await? else {
            return Ok(None);
        };
        writing.conclude(None, news, Some(now)).await?;
        Ok(Some(build))
    }
}
