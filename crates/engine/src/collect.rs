//! Collection: what nobody names any more is deleted.

use std::collections::BTreeSet;
use std::sync::Arc;

use blobstore::{BlobStore, CollectReport, InUse, LeaseTerm, Space};
use metastore::Page;
use model::{BlobKey, BuildFailure, CacheId, CopyState, EventKind, EventReason, ImageCache, ImageSnapshotId};
use serde::Serialize;

use crate::{Engine, Error};

/// Microseconds of a day.
const DAY: i64 = 24 * 3600 * 1_000_000;

/// What a collection did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Blobs, and what else the store swept.
    #[serde(flatten)]
    pub store: CollectReport,
    /// The same of all standard copies together, where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard: Option<CollectReport>,
    /// Documents of snapshots that no cache, running build or instance names.
    pub snapshots: Vec<ImageSnapshotId>,
    /// Whether nothing was deleted, since it was only asked.
    pub dry_run: bool,
}

impl Engine {
    /// Deletes snapshots and blobs that nobody names, of standard copies as well. Interrupted builds are failed first, where
    /// no server goes on with them; caches whose deletion was asked for, and that nothing uses any more, go as well.
    ///
    /// # Errors
    /// Those of store and records. What was deleted by then was named by nobody.
    pub async fn collect(&self, in_use: Arc<dyn InUse>) -> Result<Collected, Error> {
        let mut failed = self.fail_interrupted().await?;
        self.finish_deletions().await?;
        let mut collected = self.sweep(in_use).await?;
        collected.snapshots.append(&mut failed);
        collected.snapshots.sort_unstable();
        Ok(collected)
    }

    /// Room in the file system that the local store is on.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn free_space(&self) -> Result<Space, Error> {
        self.store().free_space().await.map_err(Error::store("ask for the free space"))
    }

    /// Whether the local store can be written: a lease of nothing is taken and let go.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn check_store(&self) -> Result<(), Error> {
        let lease = self.store().lease("a check of the store", &[], LeaseTerm::Held).await;
        let lease = lease.map_err(Error::store("take a lease"))?;
        lease.release().await.map_err(Error::store("release a lease"))
    }

    /// Deletes what nobody names and leaves builds alone.
    pub(crate) async fn sweep(&self, in_use: Arc<dyn InUse>) -> Result<Collected, Error> {
        let mut snapshots = BTreeSet::new();
        for (store, orphans) in self.orphaned_snapshots().await? {
            for id in orphans {
                store.delete_snapshot(id).await.map_err(Error::store("delete an image snapshot"))?;
                snapshots.insert(id);
            }
        }
        crate::build::step("orphans-deleted")?;
        let now = self.clock().now();
        let collect = |store: Arc<dyn BlobStore>| {
            let in_use = Arc::clone(&in_use);
            async move { store.collect(in_use, now).await.map_err(Error::store("collect blobs")) }
        };
        let mut stores = self.stores().await?.into_iter();
        let store = match stores.next() {
            Some(local) => collect(local).await?,
            None => CollectReport::default(),
        };
        let mut standard = None;
        for copy in stores {
            add(standard.get_or_insert_default(), collect(copy).await?);
        }
        self.forget_old_events().await?;
        Ok(Collected { store, standard, snapshots: snapshots.into_iter().collect(), dry_run: false })
    }

    async fn stores(&self) -> Result<Vec<Arc<dyn BlobStore>>, Error> {
        self.workshop.stores().await.map_err(Error::store("open the standard copies"))
    }

    /// Drops the events of caches and instances that have been gone for longer than the settings say.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn forget_old_events(&self) -> Result<(), Error> {
        let days = i64::from(self.workshop.parts.settings.retention.event_days);
        let before = self.clock().now().plus_micros(-days * DAY);
        self.records().forget_events(before).await?;
        Ok(())
    }

    /// Says what [`Self::collect`] would delete now.
    ///
    /// # Errors
    /// Those of store and records.
    pub async fn preview_collection(&self, in_use: &dyn InUse) -> Result<Collected, Error> {
        let snapshots = self.orphaned_after_failing_interrupted().await?;
        let mut named = in_use
            .keys()
            .map_err(blobstore::Error::InUse)
            .map_err(Error::store("learn which blobs are in use"))?;
        for lease in
            self.store().list_leases(self.clock().now()).await.map_err(Error::store("list leases"))?
        {
            named.extend(lease.keys);
        }
        named.extend(self.keys_of_snapshots(&snapshots.iter().copied().collect()).await?);
        let mut report = CollectReport::default();
        let mut after: Option<BlobKey> = None;
        loop {
            let page = self.store().list_blobs(after.as_ref(), blobstore::PAGE_LIMIT).await;
            let page = page.map_err(Error::store("list blobs"))?;
            let Some(last) = page.last() else { break };
            after = Some(last.key);
            for entry in page {
                if named.contains(&entry.key) {
                    report.kept += 1;
                } else {
                    report.freed = report.freed.plus(entry.size);
                    report.deleted.push(entry.key);
                }
            }
        }
        Ok(Collected { store: report, standard: None, snapshots, dry_run: true })
    }

    /// Documents of each store that no record names. Listed before the records are asked, so that one which a build commits
    /// meanwhile is not among them.
    async fn orphaned_snapshots(&self) -> Result<Vec<(Arc<dyn BlobStore>, Vec<ImageSnapshotId>)>, Error> {
        let mut stored = Vec::new();
        for store in self.stores().await? {
            let ids = stored_snapshots(&*store).await?;
            stored.push((store, ids));
        }
        let retained: BTreeSet<ImageSnapshotId> =
            self.records().retained_snapshots().await?.into_iter().collect();
        for (_, ids) in &mut stored {
            ids.retain(|id| !retained.contains(id));
        }
        Ok(stored)
    }

    /// Those of the local store as they will be when interrupted builds have been failed.
    async fn orphaned_after_failing_interrupted(&self) -> Result<Vec<ImageSnapshotId>, Error> {
        let stored = stored_snapshots(self.store()).await?;
        let mut retained: BTreeSet<ImageSnapshotId> =
            self.records().retained_snapshots().await?.into_iter().collect();
        let interrupted = self.interrupted_builds().await?;
        if !interrupted.is_empty() && !self.is_served().await? {
            interrupted.iter().for_each(|build| _ = retained.remove(&build.snapshot));
        }
        Ok(stored.into_iter().filter(|id| !retained.contains(id)).collect())
    }

    /// Caches that say that they are usable and whose snapshots are in no store any more: they are, and say so from now on.
    pub(crate) async fn note_lost_snapshots(&self) -> Result<(), Error> {
        let stores = self.stores().await?;
        let mut stored = BTreeSet::new();
        for store in &stores {
            stored.extend(stored_snapshots(&**store).await?);
        }
        let mut page = Page::first();
        loop {
            let found = self.records().outline_caches(page).await?;
            let Some(last) = found.last() else { return Ok(()) };
            page = Page::after(last.id);
            for cache in found.iter().filter(|cache| cache.state.is_usable()) {
                if let Some(snapshot) = cache.snapshot.filter(|snapshot| !stored.contains(snapshot)) {
                    self.note_lost(cache.id, snapshot, stores.len()).await?;
                }
            }
        }
    }

    /// One whose snapshot was in no store when these were listed; what was committed since is looked for again.
    async fn note_lost(&self, id: CacheId, snapshot: ImageSnapshotId, stores: usize) -> Result<(), Error> {
        let cache = match self.records().cache(id).await {
            Err(metastore::Error::NoCache(_)) => return Ok(()),
            cache => cache?,
        };
        // It may serve another by now.
        if cache.snapshot != Some(snapshot) {
            return Ok(());
        }
        // Where there is only a standard copy, and no standard store in sight, it is that which is away.
        if cache.copies.flash != CopyState::Complete && stores < 2 {
            tracing::warn!(cache = %cache.id, "the standard store of a cache's snapshot is not in sight");
            return Ok(());
        }
        self.lose(&cache, snapshot).await
    }

    async fn lose(&self, cache: &ImageCache, snapshot: ImageSnapshotId) -> Result<(), Error> {
        let found = self.workshop.document(snapshot).await.map_err(Error::store("read an image snapshot"))?;
        if found.is_some() {
            return Ok(());
        }
        let message = format!("its image snapshot {snapshot} is not in the store any more; create it again");
        let event =
            self.workshop.event(cache.id, EventKind::Warning, EventReason::SnapshotLost, message.clone());
        let failure = BuildFailure { reason: "snapshot-lost".to_owned(), message };
        let now = self.clock().now();
        match self.records().lose_snapshot(cache.id, snapshot, &failure, &[event], now).await {
            // Its build brings another.
            Err(metastore::Error::CacheBuilding { .. }) => Ok(()),
            lost => Ok(lost.map(|_| ())?),
        }
    }

    async fn keys_of_snapshots(
        &self,
        without: &BTreeSet<ImageSnapshotId>,
    ) -> Result<BTreeSet<BlobKey>, Error> {
        let mut keys = BTreeSet::new();
        for id in stored_snapshots(self.store()).await?.into_iter().filter(|id| !without.contains(id)) {
            let found =
                self.store().get_snapshot(id).await.map_err(Error::store("read an image snapshot"))?;
            keys.extend(found.into_iter().flat_map(|snapshot| snapshot.blob_keys()));
        }
        Ok(keys)
    }
}

async fn stored_snapshots(store: &dyn BlobStore) -> Result<Vec<ImageSnapshotId>, Error> {
    let mut stored = Vec::new();
    let mut after = None;
    loop {
        let page = store.list_snapshots(after, blobstore::PAGE_LIMIT).await;
        let page = page.map_err(Error::store("list image snapshots"))?;
        let Some(last) = page.last() else { return Ok(stored) };
        after = Some(*last);
        stored.extend(page);
    }
}

fn add(sum: &mut CollectReport, report: CollectReport) {
    sum.deleted.extend(report.deleted);
    sum.freed = sum.freed.plus(report.freed);
    sum.kept += report.kept;
    sum.ended_leases += report.ended_leases;
    sum.swept += report.swept;
}
