//! The engine's bounds, as they are configured.

use std::time::Duration;

use engine::CacheBounds;
use model::rules::{Prices, Quotas, RetentionRules};
use settings::Settings;

/// What a price is counted in.
const NANOS: f64 = 1e9;

/// Those of the engine; what is not configured is as it is by itself.
pub(crate) fn of(settings: &Settings) -> engine::Settings {
    let days = |days: u64| u32::try_from(days).unwrap_or(u32::MAX);
    let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    // For display alone: a double has digits enough.
    let price = |price: settings::Price| price.as_nanos() as f64 / NANOS;
    let retention = &settings.retention;
    engine::Settings {
        builds_at_once: settings.builds.at_once,
        builds_per_account: count(settings.builds.at_once_per_account),
        default_size: settings.builds.default_size,
        bounds: CacheBounds {
            most_size: settings.builds.max_size,
            most_images: settings.builds.max_images,
            least_refresh_seconds: seconds(settings.staleness.refresh_min),
            most_refresh_seconds: seconds(settings.staleness.refresh_max),
        },
        quotas: Quotas {
            manual: count(settings.quotas.manual_caches),
            automatic: count(settings.quotas.automatic_caches),
        },
        retention: RetentionRules {
            failed_days: days(retention.failed_days),
            automatic_unused_days: days(retention.automatic_unused_days),
            automatic_since_use_days: days(retention.automatic_since_use_days),
            generation_days: days(retention.generation_days),
            event_days: days(retention.events_days),
        },
        prices: Prices {
            snapshot_gib_hour: price(settings.prices.snapshot_gib_hour),
            disk_gib_hour: price(settings.prices.disk_gib_hour),
        },
        ..engine::Settings::default()
    }
}
