//! Builds: asked for, taken in turns, ended, taken over.

use async_trait::async_trait;
use model::{BuildFailure, BuildId, CacheId, Event, ImageCache, Percent, SnapshotCopies, Timestamp};

use super::super::{Connection, Store, Verb, Writing, builds, listing};
use crate::{
    Beat, Build, BuildVerbs, CacheChange, NewBuild, Page, ProcessIdentity, Result, SnapshotRecord, Turns,
};

#[async_trait]
impl BuildVerbs for Store {
    async fn begin_build(&self, build: &NewBuild, news: &[Event]) -> Result<ImageCache> {
        let verb = Verb::durable("begin the build", news, Some(build.now));
        self.write(verb, async |writing: &mut Writing| builds::begin(writing, build).await).await
    }

    async fn take_queued_build(
        &self,
        owner: &ProcessIdentity,
        turns: Turns,
        now: Timestamp,
    ) -> Result<Option<Build>> {
        let waits = self.read("find the waiting builds", async |connection: &mut Connection| {
            builds::any_waits(connection).await
        });
        if !waits.await? {
            return Ok(None);
        }
        let verb = Verb::durable("take the build", &[], Some(now));
        self.write(verb, async |writing: &mut Writing| builds::take(writing, owner, turns, now).await).await
    }

    async fn beat_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        progress: Percent,
        now: Timestamp,
    ) -> Result<Beat> {
        let verb = Verb::quick("note the build's progress", &[], Some(now));
        self.write(verb, async |writing: &mut Writing| builds::beat(writing, id, owner, progress, now).await)
            .await
    }

    async fn cancel_build(
        &self,
        id: BuildId,
        failure: &BuildFailure,
        news: &[Event],
        now: Timestamp,
    ) -> Result<()> {
        let verb = Verb::durable("cancel the build", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| {
            Ok(((), builds::cancel(writing, id, failure, now).await?))
        })
        .await
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
        let verb = Verb::durable("finish the build", news, Some(now));
        self.write(verb, async |writing: &mut Writing| {
            builds::finish(writing, id, owner, snapshot, (copies, keep), now).await
        })
        .await
    }

    async fn fail_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        failure: &BuildFailure,
        news: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache> {
        let verb = Verb::durable("fail the build", news, Some(now));
        self.write(verb, async |writing: &mut Writing| builds::fail(writing, id, owner, failure, now).await)
            .await
    }

    async fn build(&self, id: BuildId) -> Result<Build> {
        self.read("read the build", async |connection: &mut Connection| builds::get(connection, id).await)
            .await
    }

    async fn build_of_cache(&self, cache: CacheId) -> Result<Option<Build>> {
        self.read("find the cache's build", async |connection: &mut Connection| {
            builds::unfinished_of(connection, cache).await
        })
        .await
    }

    async fn unfinished_builds(&self, caches: &[CacheId]) -> Result<Vec<Build>> {
        self.read("find the caches' builds", async |connection: &mut Connection| {
            listing::unfinished_builds(connection, caches).await
        })
        .await
    }

    async fn running_builds(&self, page: Page<BuildId>) -> Result<Vec<Build>> {
        self.read("find the running builds", async |connection: &mut Connection| {
            builds::running(connection, page).await
        })
        .await
    }

    async fn count_running_builds(&self) -> Result<u64> {
        self.read("count the running builds", async |connection: &mut Connection| {
            builds::count_running(connection).await
        })
        .await
    }

    async fn claim_build(
        &self,
        id: BuildId,
        from: &ProcessIdentity,
        to: &ProcessIdentity,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Option<Build>> {
        let verb = Verb::durable("claim the build", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| builds::claim(writing, id, from, to, now).await)
            .await
    }
}
