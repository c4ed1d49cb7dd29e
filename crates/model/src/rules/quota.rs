//! How many caches an account may have, and which one makes room for another.

use serde::{Deserialize, Serialize};

use crate::{CacheId, Elimination, ImageCache, Origin};

/// How many caches one account may have, of each origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Caches that users created.
    pub manual: u32,
    /// Caches that starts created.
    pub automatic: u32,
}

impl Default for Quotas {
    /// As Alibaba's `ListUsage` shows them by example.
    fn default() -> Self {
        Self { manual: 500, automatic: 25 }
    }
}

impl Quotas {
    /// That of one origin.
    #[must_use]
    pub fn of(&self, origin: Origin) -> u32 {
        match origin {
            Origin::Manual => self.manual,
            Origin::Automatic => self.automatic,
        }
    }
}

/// Whether an account may have one more cache of an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It may.
    Free,
    /// It may once this one is deleted.
    After(CacheId),
    /// It may not: none of its caches may be deleted for it.
    None,
}

/// Looks for room among the caches of one account and one origin; `in_use` says whether an instance holds a cache's snapshot.
///
/// Deleted for another is the least recently used (never used: since its creation) that allows it: manual ones by
/// [`Elimination::Lru`], automatic ones always. One that builds, or that an instance holds, stays.
#[must_use]
pub fn room_for_one_more(caches: &[ImageCache], quota: u32, in_use: impl Fn(&ImageCache) -> bool) -> Room {
    let counted = caches.iter().filter(|cache| cache.deleting.is_none()).count();
    if u32::try_from(counted).is_ok_and(|count| count < quota) {
        return Room::Free;
    }
    // With a quota of nothing there is no room, whatever is deleted.
    least_recently_used(caches, in_use).filter(|_| quota > 0).map_or(Room::None, Room::After)
}

fn least_recently_used(caches: &[ImageCache], in_use: impl Fn(&ImageCache) -> bool) -> Option<CacheId> {
    let may_go = |cache: &&ImageCache| {
        let allowed = cache.origin == Origin::Automatic || cache.policy.elimination == Elimination::Lru;
        allowed && cache.deleting.is_none() && !cache.state.is_building() && !in_use(cache)
    };
    let oldest =
        caches.iter().filter(may_go).min_by_key(|cache| (cache.last_used.unwrap_or(cache.created), cache.id));
    oldest.map(|cache| cache.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::rules::test_caches::cache;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn lru(created: i64, used: Option<i64>) -> ImageCache {
        let mut cache = cache(at(created));
        cache.policy.elimination = Elimination::Lru;
        cache.last_used = used.map(at);
        cache
    }

    #[test]
    fn there_is_room_below_the_quota() {
        assert_eq!(room_for_one_more(&[], 1, |_| false), Room::Free);
        assert_eq!(room_for_one_more(&[], 0, |_| false), Room::None);
        assert_eq!(room_for_one_more(&[cache(at(0))], 2, |_| false), Room::Free);
    }

    #[test]
    fn only_what_allows_it_is_deleted_for_another() {
        assert_eq!(room_for_one_more(&[cache(at(0))], 1, |_| false), Room::None);
        let automatic = ImageCache { origin: Origin::Automatic, ..cache(at(0)) };
        assert_eq!(
            room_for_one_more(std::slice::from_ref(&automatic), 1, |_| false),
            Room::After(automatic.id)
        );
    }

    #[test]
    fn the_least_recently_used_goes_and_what_is_needed_stays() {
        let caches = [lru(0, Some(90)), lru(5, None), lru(1, Some(8))];
        assert_eq!(room_for_one_more(&caches, 3, |_| false), Room::After(caches[1].id));
        let in_use = |cache: &ImageCache| cache.id == caches[1].id;
        assert_eq!(room_for_one_more(&caches, 3, in_use), Room::After(caches[2].id));
        let mut building = caches.clone();
        for cache in &mut building {
            cache.state = crate::CacheState::Updating;
        }
        assert_eq!(room_for_one_more(&building, 3, |_| false), Room::None);
    }

    #[test]
    fn what_is_being_deleted_takes_no_room() {
        let going = ImageCache { deleting: Some(at(1)), ..cache(at(0)) };
        assert_eq!(room_for_one_more(&[going], 1, |_| false), Room::Free);
    }
}
