//! What becomes of caches.

use async_trait::async_trait;
use model::{
    AccountId, BuildFailure, CacheId, Event, ImageCache, ImageSnapshotId, PackedSummary, Savings,
    SnapshotCopies, Timestamp,
};

use super::super::{Connection, Store, Verb, Writing, caches, life, requests, usage};
use crate::{
    Admission, Admitted, CacheChange, CacheEdit, CacheFilter, CacheListing, CacheOutline, CacheRef,
    CacheVerbs, NewBuild, Page, ResolvedCache, Result, TokenUse, Usage, rules,
};

#[async_trait]
impl CacheVerbs for Store {
    async fn create_cache(
        &self,
        cache: &ImageCache,
        build: &NewBuild,
        admission: &Admission,
        news: &[Event],
    ) -> Result<Admitted> {
        let verb = Verb::durable("create the cache", news, Some(build.now));
        self.write_if(verb, async |writing: &mut Writing| {
            life::create(writing, cache, build, admission).await
        })
        .await
    }

    async fn cache(&self, id: CacheId) -> Result<ImageCache> {
        self.read("read the cache", async |connection: &mut Connection| caches::get(connection, id).await)
            .await
    }

    async fn resolve_cache(&self, account: &AccountId, wanted: &CacheRef) -> Result<ResolvedCache> {
        self.read("find the cache", async |connection: &mut Connection| {
            caches::resolve(connection, account, wanted).await
        })
        .await
    }

    async fn find_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<Vec<ImageCache>> {
        self.read("find caches", async |connection: &mut Connection| {
            caches::find(connection, filter, page, false).await
        })
        .await
    }

    async fn list_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<CacheListing> {
        self.read("find caches", async |connection: &mut Connection| {
            caches::list(connection, filter, page).await
        })
        .await
    }

    async fn outline_caches(&self, page: Page<CacheId>) -> Result<Vec<CacheOutline>> {
        self.read("find caches", async |connection: &mut Connection| caches::outline(connection, page).await)
            .await
    }

    async fn outline_caches_and_snapshots(
        &self,
        page: Page<CacheId>,
    ) -> Result<Vec<(CacheOutline, Option<PackedSummary>)>> {
        self.read("find caches", async |connection: &mut Connection| {
            caches::outline_serving(connection, page).await
        })
        .await
    }

    async fn count_caches(&self, filter: &CacheFilter) -> Result<u64> {
        self.read("count caches", async |connection: &mut Connection| caches::count(connection, filter).await)
            .await
    }

    async fn usage(&self, account: &AccountId) -> Result<Usage> {
        self.read("count the account's caches", async |connection: &mut Connection| {
            usage::usage(connection, account).await
        })
        .await
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
        let verb = Verb::durable("update the cache", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| {
            life::update(writing, id, edit, build, token, now).await
        })
        .await
    }

    async fn touch_cache_used(&self, id: CacheId, saved: Savings, now: Timestamp) -> Result<()> {
        let verb = Verb::quick("note the cache's use", &[], Some(now));
        self.write(verb, async |writing: &mut Writing| {
            life::change(writing, id, |cache| rules::used(cache, saved, now)).await
        })
        .await
    }

    async fn note_cache_checked(&self, id: CacheId, news: &[Event], now: Timestamp) -> Result<()> {
        let verb = Verb::durable("note the look at the cache's tags", news, Some(now));
        self.write(verb, async |writing: &mut Writing| {
            life::change(writing, id, |cache| rules::was_checked(cache, now)).await
        })
        .await
    }

    async fn note_copies(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        copies: SnapshotCopies,
        news: &[Event],
    ) -> Result<bool> {
        let verb = Verb::durable("note the snapshot's copies", news, None);
        self.write_if(verb, async |writing: &mut Writing| {
            let noted = life::note_copies(writing, id, snapshot, copies).await?;
            Ok((noted, noted))
        })
        .await
    }

    async fn lose_snapshot(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        failure: &BuildFailure,
        news: &[Event],
        now: Timestamp,
    ) -> Result<bool> {
        let verb = Verb::durable("note the snapshot's loss", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| {
            let noted = life::lose_snapshot(writing, id, snapshot, failure, now).await?;
            Ok((noted, noted))
        })
        .await
    }

    async fn roll_back_cache(
        &self,
        id: CacheId,
        to: ImageSnapshotId,
        kept_until: Timestamp,
        news: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache> {
        let verb = Verb::durable("roll the cache back", news, Some(now));
        self.write(verb, async |writing: &mut Writing| {
            life::roll_back(writing, id, to, kept_until, now).await
        })
        .await
    }

    async fn drop_generations(
        &self,
        id: CacheId,
        snapshots: &[ImageSnapshotId],
        news: &[Event],
    ) -> Result<CacheChange> {
        let verb = Verb::durable("drop the cache's generations", news, None);
        self.write_if(verb, async |writing: &mut Writing| {
            life::drop_generations(writing, id, snapshots).await
        })
        .await
    }

    async fn ask_deletion(&self, id: CacheId, news: &[Event], now: Timestamp) -> Result<ImageCache> {
        let verb = Verb::durable("ask for the cache's deletion", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| life::ask_deletion(writing, id, now).await).await
    }

    async fn delete_cache(&self, id: CacheId, news: &[Event]) -> Result<CacheChange> {
        let verb = Verb::durable("delete the cache", news, None);
        self.write(verb, async |writing: &mut Writing| life::delete(writing, id).await).await
    }

    async fn forget_client_tokens(&self, now: Timestamp) -> Result<u64> {
        let verb = Verb::quick("forget old client tokens", &[], None);
        self.write(verb, async |writing: &mut Writing| requests::forget(writing, now).await).await
    }
}
