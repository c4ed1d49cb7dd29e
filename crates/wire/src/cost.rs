//! What a cache costs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a cache has cost up to now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cost {
    /// GiB-hours of its image snapshot, every standard copy counted.
    pub snapshot_gib_hours: f64,
    /// GiB-hours of the disks of its instances.
    pub disk_gib_hours: f64,
    /// Both by the server's prices.
    pub amount: f64,
    /// The currency of these prices; null where none is set.
    #[schema(example = "EUR")]
    pub currency: Option<String>,
}

impl Cost {
    /// What it has cost, in that currency.
    #[must_use]
    pub fn new(cost: model::rules::Cost, currency: Option<String>) -> Self {
        Self {
            snapshot_gib_hours: cost.snapshot_gib_hours.get(),
            disk_gib_hours: cost.disk_gib_hours.get(),
            amount: cost.amount,
            currency,
        }
    }
}
