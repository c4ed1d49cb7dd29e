//! What a cache costs where space costs: GiB-hours by the clouds' formula, with prices of one's own.
//!
//! Both clouds charge a snapshot by its size and the time that it is kept, each copy again, and a disk made from it by the
//! cache's size and the time that an instance has it.

use serde::{Deserialize, Serialize};

use crate::{ByteSize, CopyPlan, Timestamp};

/// An amount of space over a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GibHours(f64);

impl GibHours {
    /// That space for that time; none where the time runs backwards.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a price is no more exact than that")]
    pub fn of(size: ByteSize, from: Timestamp, until: Timestamp) -> Self {
        let micros = until.as_micros().saturating_sub(from.as_micros()).max(0);
        let gib = size.as_u64() as f64 / ByteSize::gib(1).as_u64() as f64;
        Self(gib * micros as f64 / 3_600_000_000.0)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// Prices for one GiB for one hour, in whatever currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// Of a stored snapshot.
    pub snapshot_gib_hour: f64,
    /// Of an instance's disk.
    pub disk_gib_hour: f64,
}

/// What something has cost up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Of keeping the snapshot.
    pub snapshot_gib_hours: GibHours,
    /// Of the disks of instances.
    pub disk_gib_hours: GibHours,
    /// Both by the prices.
    pub amount: f64,
}

impl Cost {
    /// The amount of these by the prices.
    #[must_use]
    pub fn of(snapshot: GibHours, disk: GibHours, prices: &Prices) -> Self {
        let amount = snapshot.get() * prices.snapshot_gib_hour + disk.get() * prices.disk_gib_hour;
        Self { snapshot_gib_hours: snapshot, disk_gib_hours: disk, amount }
    }
}

/// Space of a snapshot since it was made, every standard copy counted.
#[must_use]
pub fn snapshot_gib_hours(size: ByteSize, plan: &CopyPlan, made: Timestamp, now: Timestamp) -> GibHours {
    GibHours(GibHours::of(size, made, now).get() * f64::from(plan.standard_copies.get()))
}

/// Space of one instance's disk, which is as large as its cache, from its start on until its end, or until now.
#[must_use]
pub fn disk_gib_hours(
    size_limit: ByteSize,
    started: Timestamp,
    ended: Option<Timestamp>,
    now: Timestamp,
) -> GibHours {
    GibHours::of(size_limit, started, ended.unwrap_or(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CopyCount;

    fn hour(hours: i64) -> Timestamp {
        Timestamp::from_micros(hours * 3_600_000_000)
    }

    #[test]
    fn space_times_time_times_copies() {
        let two = CopyPlan { standard_copies: CopyCount::try_from(2).unwrap(), ..CopyPlan::default() };
        let snapshot = snapshot_gib_hours(ByteSize::gib(20), &two, hour(1), hour(4));
        assert!((snapshot.get() - 120.0).abs() < 1e-9);
        let disk = disk_gib_hours(ByteSize::mib(512), hour(0), Some(hour(2)), hour(9));
        assert!((disk.get() - 1.0).abs() < 1e-9);
        let prices = Prices { snapshot_gib_hour: 0.5, disk_gib_hour: 2.0 };
        assert!((Cost::of(snapshot, disk, &prices).amount - 62.0).abs() < 1e-9);
    }

    #[test]
    fn time_does_not_run_backwards() {
        assert!(GibHours::of(ByteSize::gib(1), hour(2), hour(1)).get().abs() < f64::EPSILON);
    }
}
