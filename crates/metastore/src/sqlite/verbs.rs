//! Each verb as one transaction.

use async_trait::async_trait;
use model::{
    BlobDigest, BuildFailure, BuildId, CacheId, DiffId, Event, ExitStatus, ImageCache, ImageSnapshotId,
    Instance, InstanceId, Subject, Timestamp,
};

use super::{SqliteMetastore, builds, caches, events, instances, layers};
use crate::{
    Build, CacheChange, CacheFilter, CacheRef, InstanceFilter, InstanceRef, InstanceRemoval, LayerRecord,
    Metastore, NewBuild, Page, ProcessIdentity, ResolvedCache, Result, SnapshotRecord,
};

#[async_trait]
impl Metastore for SqliteMetastore {
    async fn create_cache(&self, cache: &ImageCache, news: &[Event]) -> Result<()> {
        let mut writing = self.writing("create the cache").await?;
        caches::create(&mut writing.transaction, cache).await?;
        events::append(&mut writing.transaction, news).await?;
        writing.commit().await
    }

    async fn create_cache_with_build(
        &self,
        cache: &ImageCache,
        build: &NewBuild,
        news: &[Event],
    ) -> Result<ImageCache> {
        let mut writing = self.writing("create the cache").await?;
        caches::create(&mut writing.transaction, cache).await?;
        let cache = builds::begin(&mut writing.transaction, build).await?;
        events::append(&mut writing.transaction, news).await?;
        writing.commit().await?;
        Ok(cache)
    }

    async fn cache(&self, id: CacheId) -> Result<ImageCache> {
        caches::get(&mut *self.reading("read the cache").await?, id).await
    }

    async fn resolve_cache(&self, wanted: &CacheRef) -> Result<ResolvedCache> {
        caches::resolve(&mut *self.reading("find the cache").await?, wanted).await
    }

    async fn find_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<Vec<ImageCache>> {
        caches::find(&mut *self.reading("find caches").await?, filter, page).await
    }

    async fn touch_cache_used(&self, id: CacheId, now: Timestamp) -> Result<()> {
        let mut writing = self.writing_quickly("note the cache's use").await?;
        caches::touch(&mut writing.transaction, id, now).await?;
        writing.commit().await
    }

    async fn delete_cache(&self, id: CacheId, news: &[Event]) -> Result<CacheChange> {
        let mut writing = self.writing("delete the cache").await?;
        let change = caches::delete(&mut writing.transaction, id).await?;
        events::append(&mut writing.transaction, news).await?;
        writing.commit().await?;
        Ok(change)
    }

    async fn begin_build(&self, build: &NewBuild, news: &[Event]) -> Result<ImageCache> {
        let mut writing = self.writing("begin the build").await?;
        let cache = builds::begin(&mut writing.transaction, build).await?;
        events::append(&mut writing.transaction, news).await?;
        writing.commit().await?;
        Ok(cache)
    }

    async fn finish_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        snapshot: &SnapshotRecord,
        news: &[Event],
        now: Timestamp,
    ) -> Result<CacheChange> {
        let mut writing = self.writing("finish the build").await?;
        let change = builds::finish(&mut writing.transaction, id, owner, snapshot, now).await?;
        events::append(&mut writing.transaction, news).await?;
        writing.commit().await?;
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
        events::append(&mut writing.transaction, news).await?;
        writing.commit().await?;
        Ok(cache)
    }

    async fn build(&self, id: BuildId) -> Result<Build> {
        builds::get(&mut *self.reading("read the build").await?, id).await
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
    ) -> Result<Option<Build>> {
        let mut writing = self.writing("claim the build").await?;
        let Some(build) = builds::claim(&mut writing.transaction, id, from, to).await? else {
            return Ok(None);
        };
        events::append(&mut writing.transaction, news).await?;
        writing.commit().await?;
        Ok(Some(build))
    }

    async fn retained_snapshots(&self) -> Result<Vec<ImageSnapshotId>> {
        caches::retained(&mut *self.reading("find the retained snapshots").await?).await
    }

    async fn snapshot(&self, id: ImageSnapshotId) -> Result<Option<SnapshotRecord>> {
        caches::snapshot(&mut *self.reading("read the image snapshot").await?, id).await
    }

    async fn record_layer(&self, layer: &LayerRecord) -> Result<()> {
        let mut writing = self.writing_quickly("record the layer").await?;
        layers::record(&mut writing.transaction, layer).await?;
        writing.commit().await
    }

    async fn layer_by_blob(&self, blob: &BlobDigest) -> Result<Option<LayerRecord>> {
        layers::by_blob(&mut *self.reading("find the layer").await?, blob).await
    }

    async fn layers_by_diff_id(&self, diff_id: &DiffId) -> Result<Vec<LayerRecord>> {
        layers::by_diff_id(&mut *self.reading("find the layer").await?, diff_id).await
    }

    async fn create_instance(&self, instance: &Instance, news: &[Event]) -> Result<()> {
        let mut writing = self.writing_quickly("create the instance").await?;
        instances::create(&mut writing.transaction, instance).await?;
        events::append(&mut writing.transaction, news).await?;
        writing.commit().await
    }

    async fn instance_started(
        &self,
        id: InstanceId,
        pid: u32,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        let mut writing = self.writing_quickly("note the instance's start").await?;
        let instance = instances::started(&mut writing.transaction, id, pid, now).await?;
        events::append(&mut writing.transaction, news).await?;
        writing.commit().await?;
        Ok(instance)
    }

    async fn instance_exited(
        &self,
        id: InstanceId,
        status: ExitStatus,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        let mut writing = self.writing_quickly("note the instance's end").await?;
        let (instance, is_news) = instances::exited(&mut writing.transaction, id, status, now).await?;
        if is_news {
            events::append(&mut writing.transaction, news).await?;
            writing.commit().await?;
        }
        Ok(instance)
    }

    async fn remove_instance(&self, id: InstanceId, news: &[Event]) -> Result<InstanceRemoval> {
        let mut writing = self.writing("remove the instance").await?;
        let removal = instances::remove(&mut writing.transaction, id).await?;
        events::append(&mut writing.transaction, news).await?;
        writing.commit().await?;
        Ok(removal)
    }

    async fn instance(&self, wanted: &InstanceRef) -> Result<Instance> {
        instances::get(&mut *self.reading("find the instance").await?, wanted).await
    }

    async fn find_instances(&self, filter: &InstanceFilter, page: Page<InstanceId>) -> Result<Vec<Instance>> {
        instances::find(&mut *self.reading("find instances").await?, filter, page).await
    }

    async fn append_events(&self, news: &[Event]) -> Result<()> {
        let mut writing = self.writing_quickly("append events").await?;
        events::append(&mut writing.transaction, news).await?;
        writing.commit().await
    }

    async fn events(&self, subject: Subject) -> Result<Vec<Event>> {
        events::of(&mut *self.reading("read the events").await?, subject).await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64> {
        let mut writing = self.writing_quickly("forget old events").await?;
        let forgotten = events::forget(&mut writing.transaction, before).await?;
        writing.commit().await?;
        Ok(forgotten)
    }
}
