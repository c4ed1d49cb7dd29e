//! What becomes of caches.

use async_trait::async_trait;
use model::{
    AccountId, BuildFailure, CacheId, Event, ImageCache, ImageSnapshotId, PackedSummary, Savings,
    SnapshotCopies, Timestamp,
};

use super::super::MemoryMetastore;
use super::super::find::{is_wanted_cache, page_of, part_of};
use crate::{
    Admission, Admitted, CacheChange, CacheEdit, CacheFilter, CacheListing, CacheOutline, CacheRef,
    CacheVerbs, NewBuild, Page, ResolvedCache, Result, TokenUse, Usage, rules,
};

#[async_trait]
impl CacheVerbs for MemoryMetastore {
    async fn create_cache(
        &self,
        cache: &ImageCache,
        build: &NewBuild,
        admission: &Admission,
        events: &[Event],
    ) -> Result<Admitted> {
        self.write_if(events, Some(build.now), |records| records.create_cache(cache, build, admission))
    }

    async fn cache(&self, id: CacheId) -> Result<ImageCache> {
        self.records().cache(id).cloned()
    }

    async fn resolve_cache(&self, account: &AccountId, wanted: &CacheRef) -> Result<ResolvedCache> {
        self.records().resolve(account, wanted)
    }

    async fn find_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<Vec<ImageCache>> {
        Ok(page_of(&self.records().caches, page, |cache| is_wanted_cache(filter, cache)))
    }

    async fn list_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<CacheListing> {
        let records = self.records();
        let is_wanted = |cache: &ImageCache| is_wanted_cache(filter, cache);
        let found = match page.limit {
            0 => Vec::new(),
            _ => part_of(&records.caches, page, page.records() + 1, is_wanted),
        };
        let all = records.caches.values().filter(|cache| is_wanted(cache)).count();
        Ok(CacheListing::of(found, &page, all as u64))
    }

    async fn outline_caches(&self, page: Page<CacheId>) -> Result<Vec<CacheOutline>> {
        let caches = page_of(&self.records().caches, page, |_| true);
        Ok(caches.iter().map(CacheOutline::from).collect())
    }

    async fn outline_caches_and_snapshots(
        &self,
        page: Page<CacheId>,
    ) -> Result<Vec<(CacheOutline, Option<PackedSummary>)>> {
        let records = self.records();
        let summary =
            |cache: &ImageCache| Some(PackedSummary::from(&records.snapshots.get(&cache.snapshot?)?.summary));
        let caches = page_of(&records.caches, page, |_| true);
        Ok(caches.iter().map(|cache| (CacheOutline::from(cache), summary(cache))).collect())
    }

    async fn count_caches(&self, filter: &CacheFilter) -> Result<u64> {
        let records = self.records();
        Ok(records.caches.values().filter(|cache| is_wanted_cache(filter, cache)).count() as u64)
    }

    async fn usage(&self, account: &AccountId) -> Result<Usage> {
        Ok(self.records().usage(account))
    }

    async fn update_cache(
        &self,
        id: CacheId,
        edit: &CacheEdit,
        build: Option<&NewBuild>,
        token: Option<&TokenUse>,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Admitted> {
        self.write_if(events, Some(now), |records| records.update_cache(id, edit, build, token, now))
    }

    async fn touch_cache_used(&self, id: CacheId, saved: Savings, now: Timestamp) -> Result<()> {
        self.write(&[], Some(now), |records| {
            records.change_cache(id, |cache| Ok((rules::used(cache, saved, now), ())))
        })
    }

    async fn note_cache_checked(&self, id: CacheId, events: &[Event], now: Timestamp) -> Result<()> {
        self.write(events, Some(now), |records| {
            records.change_cache(id, |cache| Ok((rules::was_checked(cache, now), ())))
        })
    }

    async fn note_copies(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        copies: SnapshotCopies,
        events: &[Event],
    ) -> Result<bool> {
        self.write_if(events, None, |records| {
            let known = records.caches.get(&id).cloned();
            let changed = known.and_then(|cache| rules::has_copies(cache, snapshot, copies));
            let is_served = changed.is_some();
            if let Some(cache) = changed {
                records.put_cache(&cache);
            }
            Ok((is_served, is_served))
        })
    }

    async fn lose_snapshot(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        failure: &BuildFailure,
        events: &[Event],
        now: Timestamp,
    ) -> Result<bool> {
        self.write_if(events, Some(now), |records| {
            records.lose_snapshot(id, snapshot, failure, now).map(|lost| (lost, lost))
        })
    }

    async fn roll_back_cache(
        &self,
        id: CacheId,
        to: ImageSnapshotId,
        kept_until: Timestamp,
        events: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache> {
        self.write(events, Some(now), |records| records.roll_back(id, to, kept_until, now))
    }

    async fn drop_generations(
        &self,
        id: CacheId,
        snapshots: &[ImageSnapshotId],
        events: &[Event],
    ) -> Result<CacheChange> {
        self.write_if(events, None, |records| records.drop_generations(id, snapshots))
    }

    async fn ask_deletion(&self, id: CacheId, events: &[Event], now: Timestamp) -> Result<ImageCache> {
        self.write_if(events, Some(now), |records| records.ask_deletion(id, now))
    }

    async fn delete_cache(&self, id: CacheId, events: &[Event]) -> Result<CacheChange> {
        self.write(events, None, |records| records.delete_cache(id))
    }

    async fn forget_client_tokens(&self, now: Timestamp) -> Result<u64> {
        Ok(self.records().forget_requests(now))
    }
}
