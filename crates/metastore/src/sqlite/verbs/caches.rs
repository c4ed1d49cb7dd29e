//! What becomes of caches.

use async_trait::async_trait;
use model::{
    AccountId, BuildFailure, CacheId, Event, ImageCache, ImageSnapshotId, Savings, SnapshotCopies,
    SnapshotSummary, Timestamp,
};

use super::super::changes::Touched;
use super::super::{SqliteMetastore, caches, find, life, requests, usage};
use super::put;
use crate::{
    Admission, Admitted, CacheChange, CacheEdit, CacheFilter, CacheListing, CacheOutline, CacheRef,
    CacheVerbs, NewBuild, Page, ResolvedCache, Result, TokenUse, Usage, rules,
};

#[async_trait]
impl CacheVerbs for SqliteMetastore {
    async fn create_cache(
        &self,
        cache: &ImageCache,
        build: &NewBuild,
        admission: &Admission,
        news: &[Event],
    ) -> Result<Admitted> {
        let mut writing = self.writing("create the cache").await?;
        let admitted = life::create(&mut writing.transaction, cache, build, admission).await?;
        if let Admitted::Now(cache) = &admitted {
            writing.conclude(put(cache), news, Some(build.now)).await?;
        }
        Ok(admitted)
    }

    async fn cache(&self, id: CacheId) -> Result<ImageCache> {
        caches::get(&mut *self.reading("read the cache").await?, id).await
    }

    async fn resolve_cache(&self, account: &AccountId, wanted: &CacheRef) -> Result<ResolvedCache> {
        caches::resolve(&mut *self.reading("find the cache").await?, account, wanted).await
    }

    async fn find_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<Vec<ImageCache>> {
        find::find(&mut *self.reading("find caches").await?, filter, page, false).await
    }

    async fn list_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<CacheListing> {
        find::list(&mut *self.reading("find caches").await?, filter, page).await
    }

    async fn outline_caches(&self, page: Page<CacheId>) -> Result<Vec<CacheOutline>> {
        find::outline(&mut *self.reading("find caches").await?, page).await
    }

    async fn outline_caches_and_snapshots(
        &self,
        page: Page<CacheId>,
    ) -> Result<Vec<(CacheOutline, Option<SnapshotSummary>)>> {
        find::outline_serving(&mut *self.reading("find caches").await?, page).await
    }

    async fn count_caches(&self, filter: &CacheFilter) -> Result<u64> {
        find::count(&mut *self.reading("count caches").await?, filter).await
    }

    async fn usage(&self, account: &AccountId) -> Result<Usage> {
        usage::usage(&mut *self.reading("count the account's caches").await?, account).await
    }

    async fn update_cache(
        &self,
        id: CacheId,
        edit: &CacheEdit,
        build: Option<&NewBuild>,
        token: Option<&TokenUse>,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Admitted> {
        let mut writing = self.writing("update the cache").await?;
        let admitted = life::update(&mut writing.transaction, id, edit, build, token, now).await?;
        if let Admitted::Now(cache) = &admitted {
            writing.conclude(put(cache), news, Some(now)).await?;
        }
        Ok(admitted)
    }

    async fn touch_cache_used(&self, id: CacheId, saved: Savings, now: Timestamp) -> Result<()> {
        let mut writing = self.writing_quickly("note the cache's use").await?;
        let cache =
            life::change(&mut writing.transaction, id, |cache| rules::used(cache, saved, now)).await?;
        writing.conclude(put(&cache), &[], Some(now)).await
    }

    async fn note_cache_checked(&self, id: CacheId, news: &[Event], now: Timestamp) -> Result<()> {
        let mut writing = self.writing("note the look at the cache's tags").await?;
        let cache =
            life::change(&mut writing.transaction, id, |cache| rules::was_checked(cache, now)).await?;
        writing.conclude(put(&cache), news, Some(now)).await
    }

    async fn note_copies(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        copies: SnapshotCopies,
        news: &[Event],
    ) -> Result<bool> {
        let mut writing = self.writing("note the snapshot's copies").await?;
        let noted = life::note_copies(&mut writing.transaction, id, snapshot, copies).await?;
        let Some(cache) = noted else { return Ok(false) };
        writing.conclude(put(&cache), news, None).await?;
        Ok(true)
    }

    async fn lose_snapshot(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        failure: &BuildFailure,
        news: &[Event],
        now: Timestamp,
    ) -> Result<bool> {
        let mut writing = self.writing("note the snapshot's loss").await?;
        let lost = life::lose_snapshot(&mut writing.transaction, id, snapshot, failure, now).await?;
        let Some(cache) = lost else { return Ok(false) };
        writing.conclude(put(&cache), news, Some(now)).await?;
        Ok(true)
    }

    async fn roll_back_cache(
        &self,
        id: CacheId,
        to: ImageSnapshotId,
        kept_until: Timestamp,
        news: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache> {
        let mut writing = self.writing("roll the cache back").await?;
        let cache = life::roll_back(&mut writing.transaction, id, to, kept_until, now).await?;
        writing.conclude(put(&cache), news, Some(now)).await?;
        Ok(cache)
    }

    async fn drop_generations(
        &self,
        id: CacheId,
        snapshots: &[ImageSnapshotId],
        news: &[Event],
    ) -> Result<CacheChange> {
        let mut writing = self.writing("drop the cache's generations").await?;
        let (change, is_news) = life::drop_generations(&mut writing.transaction, id, snapshots).await?;
        if is_news {
            writing.conclude(put(&change.cache), news, None).await?;
        }
        Ok(change)
    }

    async fn ask_deletion(&self, id: CacheId, news: &[Event], now: Timestamp) -> Result<ImageCache> {
        let mut writing = self.writing("ask for the cache's deletion").await?;
        let (cache, is_news) = life::ask_deletion(&mut writing.transaction, id, now).await?;
        if is_news {
            writing.conclude(put(&cache), news, Some(now)).await?;
        }
        Ok(cache)
    }

    async fn delete_cache(&self, id: CacheId, news: &[Event]) -> Result<CacheChange> {
        let mut writing = self.writing("delete the cache").await?;
        let change = life::delete(&mut writing.transaction, id).await?;
        writing.conclude(put(&change.cache).map(Touched::gone), news, None).await?;
        Ok(change)
    }

    async fn forget_client_tokens(&self, now: Timestamp) -> Result<u64> {
        let mut writing = self.writing_quickly("forget old client tokens").await?;
        let forgotten = requests::forget(&mut writing.transaction, now).await?;
        writing.commit().await?;
        Ok(forgotten)
    }
}
