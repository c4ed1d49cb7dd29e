//! What a cache costs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a cache has cost up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cost {
    /// GiB-hours of its image snapshot, every standard copy counted.
    pub snapshot_gib_hours: f64,
    /// GiB-hours of the disks of its instances.
    pub disk_gib_hours: f64,
    /// Both by the server's prices, in whatever currency these are.
    pub amount: f64,
}

impl From<model::rules::Cost> for Cost {
    fn from(cost: model::rules::Cost) -> Self {
        Self {
            snapshot_gib_hours: cost.snapshot_gib_hours.get(),
            disk_gib_hours: cost.disk_gib_hours.get(),
            amount: cost.amount,
        }
    }
}
