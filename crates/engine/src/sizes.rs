//! Use-case: what a cache takes, shares and spares, and what it costs.

use metastore::{InstanceFilter, Page};
use model::rules::{Cost, GibHours, disk_gib_hours, snapshot_gib_hours};
use model::{ImageCache, Savings};
use serde::Serialize;

use crate::{Engine, Error, SharedSizes};

/// What a cache takes, shares, spares and costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CacheSizes {
    /// Layers of its snapshot and its generations, by whether other snapshots (of whatever account) have them.
    pub layers: SharedSizes,
    /// What its starts have spared.
    pub savings: Savings,
    /// What it has cost up to now: its snapshot since that was made, and the disks of the instances that there are.
    pub cost: Cost,
}

impl Engine {
    /// What a cache takes, shares, spares and costs.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn sizes_of(&self, cache: &ImageCache) -> Result<CacheSizes, Error> {
        self.indexes.update(&self.workshop).await?;
        let layers = self.indexes.sizes_of(&crate::indexes::snapshots_of(cache));
        Ok(CacheSizes { layers, savings: cache.savings, cost: self.cost_of(cache).await? })
    }

    async fn cost_of(&self, cache: &ImageCache) -> Result<Cost, Error> {
        let now = self.clock().now();
        let snapshot = match cache.snapshot {
            Some(id) => self.records().snapshot(id).await?,
            None => None,
        };
        let kept = snapshot
            .map(|made| snapshot_gib_hours(made.size, &cache.policy.copies, made.created, now))
            .unwrap_or_default();
        let mut disks = GibHours::default();
        let filter = InstanceFilter { cache: Some(cache.id), ..InstanceFilter::default() };
        let mut page = Page::first();
        loop {
            let found = self.records().find_instances(&filter, page).await?;
            let Some(last) = found.last() else { break };
            page = Page::after(last.id);
            let started = found.iter().filter_map(|instance| Some((instance.started?, instance.finished)));
            let hours = started.map(|(from, until)| disk_gib_hours(cache.size_limit, from, until, now));
            disks = disks + hours.sum();
        }
        Ok(Cost::of(kept, disks, &self.workshop.parts.settings.prices))
    }
}
