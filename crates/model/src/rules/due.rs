//! When a cache, a generation or a look at the tags is due.

use serde::{Deserialize, Serialize};

use crate::{CacheState, Generation, ImageCache, Origin, Staleness, Timestamp};

/// Microseconds of a day.
const DAY: i64 = 24 * 3600 * 1_000_000;

/// How long is kept what nobody said anything of, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionRules {
    /// A cache whose first build failed, from its failure on.
    pub failed_days: u32,
    /// An automatic cache that no instance started from, from its creation on.
    pub automatic_unused_days: u32,
    /// An automatic cache, from its last use on.
    pub automatic_since_use_days: u32,
    /// The image snapshot before an update, from the update on.
    pub generation_days: u32,
    /// Events of what is gone, from when they last happened on.
    pub event_days: u32,
}

impl Default for RetentionRules {
    fn default() -> Self {
        Self {
            failed_days: 1,
            automatic_unused_days: 7,
            automatic_since_use_days: 30,
            generation_days: 7,
            event_days: 7,
        }
    }
}

fn days_after(time: Timestamp, days: u32) -> Timestamp {
    time.plus_micros(i64::from(days).saturating_mul(DAY))
}

/// When a cache is to be deleted if nothing else happens to it; `None`: never.
///
/// The earliest of: its retention, counted from its creation, whatever its state and use; a failed first build's day; the
/// days of an automatic cache without use. A build under way is never cut short by the latter two.
#[must_use]
pub fn expires(cache: &ImageCache, rules: &RetentionRules) -> Option<Timestamp> {
    let retention = cache.policy.retention.map(|days| days_after(cache.created, days.get()));
    let failed = (cache.state == CacheState::Failed).then(|| days_after(cache.updated, rules.failed_days));
    let automatic =
        (cache.origin == Origin::Automatic && !cache.state.is_building()).then(|| match cache.last_used {
            None => days_after(cache.created, rules.automatic_unused_days),
            Some(used) => days_after(used, rules.automatic_since_use_days),
        });
    [retention, failed, automatic].into_iter().flatten().min()
}

/// Until when the snapshot that an update replaces at `now` is kept.
#[must_use]
pub fn generation_kept_until(now: Timestamp, rules: &RetentionRules) -> Timestamp {
    days_after(now, rules.generation_days)
}

/// When the tags of a cache are to be looked at again; `None`: never.
#[must_use]
pub fn refresh_due(cache: &ImageCache) -> Option<Timestamp> {
    let Staleness::Refresh { interval_seconds } = cache.policy.staleness else { return None };
    if !cache.is_usable() || cache.state.is_building() {
        return None;
    }
    let from = cache.checked.unwrap_or(cache.created);
    Some(from.plus_micros(i64::from(interval_seconds.get()).saturating_mul(1_000_000)))
}

/// What is over of a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Its deletion: its time is over.
    Expiry,
    /// Its deletion: somebody asked for it, and nothing uses it now.
    AskedDeletion,
    /// Letting these generations go.
    Generations(Vec<Generation>),
}

/// What of a cache is over at `now`, the most important first.
///
/// `in_use` says whether an instance holds its snapshot. Expiry waits for that: a cache goes when its last instance does.
#[must_use]
pub fn due(cache: &ImageCache, in_use: bool, rules: &RetentionRules, now: Timestamp) -> Option<Due> {
    if !in_use && cache.deleting.is_some() {
        return Some(Due::AskedDeletion);
    }
    if !in_use && expires(cache, rules).is_some_and(|at| at <= now) {
        return Some(Due::Expiry);
    }
    let over: Vec<Generation> =
        cache.generations.iter().filter(|generation| generation.kept_until <= now).cloned().collect();
    (!over.is_empty()).then_some(Due::Generations(over))
}

#[cfg(test)]
mod tests;
