use proptest::prelude::*;

use super::*;
use crate::rules::test_caches::cache;
use crate::{CachePolicy, RefreshSeconds, RetentionDays};

fn at_day(day: u32) -> Timestamp {
    days_after(Timestamp::from_micros(0), day)
}

fn rules() -> RetentionRules {
    RetentionRules::default()
}

#[test]
fn a_manual_cache_is_kept_until_somebody_deletes_it() {
    assert_eq!(expires(&cache(at_day(0)), &rules()), None);
}

#[test]
fn retention_counts_from_creation_and_use_does_not_prolong_it() {
    let mut cache = cache(at_day(3));
    cache.policy = CachePolicy { retention: RetentionDays::try_from(7).ok(), ..CachePolicy::default() };
    cache.last_used = Some(at_day(9));
    assert_eq!(expires(&cache, &rules()), Some(at_day(10)));
    assert_eq!(due(&cache, false, &rules(), at_day(10)), Some(Due::Expiry));
    assert_eq!(due(&cache, false, &rules(), at_day(9)), None);
    assert_eq!(due(&cache, true, &rules(), at_day(10)), None, "an instance holds it");
}

#[test]
fn a_failed_cache_is_kept_for_a_day_after_its_failure() {
    let mut cache = cache(at_day(0));
    cache.state = CacheState::Failed;
    cache.updated = at_day(2);
    assert_eq!(expires(&cache, &rules()), Some(at_day(3)));
    cache.state = CacheState::UpdateFailed;
    assert_eq!(expires(&cache, &rules()), None, "it serves what it had");
}

#[test]
fn an_automatic_cache_goes_after_seven_days_unused_or_thirty_since_its_last_use() {
    let mut cache = cache(at_day(0));
    cache.origin = Origin::Automatic;
    assert_eq!(expires(&cache, &rules()), Some(at_day(7)));
    cache.last_used = Some(at_day(5));
    assert_eq!(expires(&cache, &rules()), Some(at_day(35)));
    cache.state = CacheState::Updating;
    assert_eq!(expires(&cache, &rules()), None, "no build is cut short");
}

#[test]
fn a_deletion_that_was_asked_for_waits_for_the_last_instance() {
    let mut cache = cache(at_day(0));
    cache.deleting = Some(at_day(0));
    assert_eq!(due(&cache, true, &rules(), at_day(99)), None);
    assert_eq!(due(&cache, false, &rules(), at_day(0)), Some(Due::AskedDeletion));
}

#[test]
fn tags_are_looked_at_again_after_the_interval_of_a_usable_cache() {
    let mut cache = cache(at_day(0));
    let interval_seconds = RefreshSeconds::try_from(3600).unwrap();
    cache.policy.staleness = Staleness::Refresh { interval_seconds };
    let hour = |hours: i64| at_day(0).plus_micros(hours * 3600 * 1_000_000);
    assert_eq!(refresh_due(&cache), Some(hour(1)));
    cache.checked = Some(hour(5));
    assert_eq!(refresh_due(&cache), Some(hour(6)));
    cache.state = CacheState::Updating;
    assert_eq!(refresh_due(&cache), None);
}

proptest! {
    #[test]
    fn what_is_due_stays_due_until_it_is_done(created in 0..100u32, retention in 1..50u32, used in proptest::option::of(0..200u32),
        automatic: bool, now in 0..400u32, later in 0..400u32) {
        let mut cache = cache(at_day(created));
        cache.policy.retention = RetentionDays::try_from(retention).ok();
        cache.last_used = used.map(|days| at_day(created + days));
        cache.origin = if automatic { Origin::Automatic } else { Origin::Manual };
        let expired = |day| due(&cache, false, &rules(), at_day(day)) == Some(Due::Expiry);
        prop_assert!(!expired(now) || expired(now + later));
    }
}
