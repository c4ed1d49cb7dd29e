//! What there is to say of caches: pages of them, and one with everything.

use metastore::{Build, CacheFilter, CacheListing, InstanceFilter, Page, SnapshotRecord, Usage};
use model::rules::{Cost, GibHours, Quotas, disk_gib_hours, snapshot_gib_hours};
use model::{AccountId, CacheId, ImageCache, ImageSnapshot, ImageSnapshotId, Instance};

use super::CacheView;
use crate::{BuildProgress, Engine, Error, SharedSizes, pages};

/// One page of a listing.
#[derive(Clone, Debug)]
pub struct CachePage {
    /// The caches.
    pub caches: Vec<CacheView>,
    /// Where the next page begins; `None`: this is the last.
    pub next: Option<CacheId>,
    /// How many the filter lets through altogether.
    pub total: u64,
}

/// A cache with everything that there is to say of it.
#[derive(Clone, Debug)]
pub struct CacheDetails {
    /// As a listing shows it.
    pub view: CacheView,
    /// Further caches of the account that have its name, newest first.
    pub others: Vec<CacheId>,
    /// What it serves; none where the store does not have it any more.
    pub snapshot: Option<ImageSnapshot>,
    /// Its build that waits or runs.
    pub build: Option<Build>,
    /// How far that is, layer by layer, where it runs in this process.
    pub progress: Option<BuildProgress>,
    /// What it takes of the store.
    pub sizes: SharedSizes,
    /// What its snapshot and its instances' disks cost up to now.
    pub cost: Cost,
}

/// How many caches an account has, and may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountUsage {
    /// Has.
    pub usage: Usage,
    /// May have.
    pub quotas: Quotas,
}

impl Engine {
    /// One page of the account's caches that the filter lets through.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn describe_caches(
        &self,
        account: &AccountId,
        filter: &CacheFilter,
        page: Page<CacheId>,
    ) -> Result<CachePage, Error> {
        let filter = CacheFilter { account: Some(account.clone()), ..filter.clone() };
        let CacheListing { caches, more, total } = self.records().list_caches(&filter, page).await?;
        let next = caches.last().map(|cache| cache.id).filter(|_| more);
        Ok(CachePage { caches: self.views(caches).await?, next, total })
    }

    /// The cache that a word means, with everything that there is to say of it.
    ///
    /// # Errors
    /// [`Error::UnknownCache`]; those of store and records.
    pub async fn cache_details(&self, account: &AccountId, word: &str) -> Result<CacheDetails, Error> {
        let found = self.find_cache(account, word).await?;
        let cache = found.cache;
        let snapshot = match self.snapshot_of(&cache).await {
            // It is looked at, asked for its events and deleted all the same.
            Err(Error::SnapshotMissing { .. }) => None,
            found => found?,
        };
        let build = self.records().build_of_cache(cache.id).await?;
        let progress = self.progress_by(&cache, build.as_ref());
        let instances = self.instances_from(&cache).await?;
        let sizes = self.sizes_of(&cache).await?;
        let cost = self.cost(&cache, snapshot.as_ref(), &sizes, &instances);
        let view = self.views(vec![cache]).await?.pop().expect("one in, one out");
        Ok(CacheDetails { view, others: found.others, snapshot, build, progress, sizes, cost })
    }

    /// How far a cache's build is, layer by layer, or was when it ended a short while ago; `None` where it waits, or does not run
    /// in this process.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn build_progress(&self, cache: &ImageCache) -> Result<Option<BuildProgress>, Error> {
        let build = match cache.state.is_building() {
            true => self.records().build_of_cache(cache.id).await?,
            false => None,
        };
        Ok(self.progress_by(cache, build.as_ref()))
    }

    /// The place of the build before may not be left yet: a further one has its own numbers or none.
    fn progress_by(&self, cache: &ImageCache, build: Option<&Build>) -> Option<BuildProgress> {
        let running = &self.workshop.running;
        match cache.state.is_building() {
            true => running.of(build?.id),
            false => running.last(cache),
        }
    }

    /// How many caches the account has, and may have.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn usage(&self, account: &AccountId) -> Result<AccountUsage, Error> {
        let usage = self.records().usage(account).await?;
        Ok(AccountUsage { usage, quotas: self.workshop.parts.settings.quotas })
    }

    async fn instances_from(&self, cache: &ImageCache) -> Result<Vec<Instance>, Error> {
        let filter = InstanceFilter { cache: Some(cache.id), ..InstanceFilter::default() };
        Ok(pages::every(|page| self.records().find_instances(&filter, page), |instance| instance.id).await?)
    }

    /// What a cache takes of the store.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn sizes_of(&self, cache: &ImageCache) -> Result<SharedSizes, Error> {
        // Without a snapshot there is nothing to look at, nor any reason to bring the indexes up to date.
        if cache.snapshot.is_none() && cache.generations.is_empty() {
            return Ok(SharedSizes::default());
        }
        let indexes = &self.workshop.indexes;
        indexes.update(&self.workshop).await?;
        let served = match cache.snapshot {
            Some(snapshot) => self.summary_record(snapshot).await?,
            None => None,
        };
        let mut earlier = Vec::new();
        for generation in &cache.generations {
            earlier.extend(self.summary_record(generation.snapshot).await?);
        }
        Ok(indexes.sizes_of(served.as_ref(), &earlier))
    }

    /// What is recorded of a snapshot, with its summary.
    async fn summary_record(&self, id: ImageSnapshotId) -> Result<Option<SnapshotRecord>, Error> {
        let Some(record) = self.records().snapshot(id).await? else { return Ok(None) };
        let summary = self.workshop.summary_of(record.clone()).await?;
        Ok(Some(SnapshotRecord { summary, ..record }))
    }

    fn cost(
        &self,
        cache: &ImageCache,
        snapshot: Option<&ImageSnapshot>,
        sizes: &SharedSizes,
        instances: &[Instance],
    ) -> Cost {
        let (now, prices) = (self.clock().now(), &self.workshop.parts.settings.prices);
        let kept = snapshot.map_or_else(GibHours::default, |snapshot| {
            snapshot_gib_hours(sizes.unpacked(), &cache.policy.copies, snapshot.created, now)
        });
        let own = instances.iter().filter(|instance| instance.cache == Some(cache.id));
        let disks = own.map(|one| {
            let started = one.started.unwrap_or(one.created);
            disk_gib_hours(cache.size_limit, started, one.finished, now)
        });
        Cost::of(kept, disks.fold(GibHours::default(), GibHours::plus), prices)
    }
}
