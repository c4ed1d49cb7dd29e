//! Collection: what nobody names any more is deleted.

use std::collections::BTreeSet;

use blobstore::{CollectReport, InUse};

use model::{BlobKey, ImageSnapshotId};
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
    /// Documents of snapshots that no cache, running build or instance names.
    pub snapshots: Vec<ImageSnapshotId>,
    /// Whether nothing was deleted, since it was only asked.
    pub dry_run: bool,
}

impl Engine {
    /// Deletes snapshots and blobs that nobody names. Interrupted builds are failed first.
    ///
    /// # Errors
    /// Those of store and records. What was deleted by then was named by nobody.
    pub async fn collect(&self, in_use: std::sync::Arc<dyn InUse>) -> Result<Collected, Error> {
        let mut snapshots = self.fail_interrupted().await?;
        for id in self.orphaned_snapshots().await? {
            self.store().delete_snapshot(id).await.map_err(Error::store("delete an image snapshot"))?;
            snapshots.push(id);
        }
        snapshots.sort_unstable();
        let now = self.clock().now();
        let store = self.store().collect(in_use, now).await.map_err(Error::store("collect blobs"))?;
        self.forget_old_events().await?;
        Ok(Collected { store, snapshots, dry_run: false })
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
        Ok(Collected { store: report, snapshots, dry_run: true })
    }

    /// Documents in the store that no record names. Listed before the records are asked, so that one which a build commits
    /// meanwhile is not among them.
    async fn orphaned_snapshots(&self) -> Result<Vec<ImageSnapshotId>, Error> {
        let stored = self.stored_snapshots().await?;
        let retained: BTreeSet<ImageSnapshotId> =
            self.records().retained_snapshots().await?.into_iter().collect();
        Ok(stored.into_iter().filter(|id| !retained.contains(id)).collect())
    }

    /// [`Self::orphaned_snapshots`] as it will be when interrupted builds have been failed.
    async fn orphaned_after_failing_interrupted(&self) -> Result<Vec<ImageSnapshotId>, Error> {
        let stored = self.stored_snapshots().await?;
        let mut retained: BTreeSet<ImageSnapshotId> =
            self.records().retained_snapshots().await?.into_iter().collect();
        for build in self.interrupted_builds().await? {
            retained.remove(&build.snapshot);
        }
        Ok(stored.into_iter().filter(|id| !retained.contains(id)).collect())
    }

    async fn stored_snapshots(&self) -> Result<Vec<ImageSnapshotId>, Error> {
        let mut stored = Vec::new();
        let mut after = None;
        loop {
            let page = self.store().list_snapshots(after, blobstore::PAGE_LIMIT).await;
            let page = page.map_err(Error::store("list image snapshots"))?;
            let Some(last) = page.last() else { return Ok(stored) };
            after = Some(*last);
            stored.extend(page);
        }
    }

    async fn keys_of_snapshots(
        &self,
        without: &BTreeSet<ImageSnapshotId>,
    ) -> Result<BTreeSet<BlobKey>, Error> {
        let mut keys = BTreeSet::new();
        for id in self.stored_snapshots().await?.into_iter().filter(|id| !without.contains(id)) {
            let found =
                self.store().get_snapshot(id).await.map_err(Error::store("read an image snapshot"))?;
            keys.extend(found.into_iter().flat_map(|snapshot| snapshot.blob_keys()));
        }
        Ok(keys)
    }
}
