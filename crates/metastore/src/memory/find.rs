//! Listings of records in memory.

use std::collections::BTreeMap;
use std::ops::Bound;

use model::{ImageCache, ImageSource, Instance};

use crate::{CacheFilter, InstanceFilter, Order, Page};

/// One page of records that are sorted by their ids.
pub(super) fn page_of<Id: Ord + Copy, T: Clone>(
    records: &BTreeMap<Id, T>,
    page: Page<Id>,
    is_wanted: impl Fn(&T) -> bool,
) -> Vec<T> {
    part_of(records, page, page.records(), is_wanted)
}

/// As [`page_of`], so many of them.
pub(super) fn part_of<Id: Ord + Copy, T: Clone>(
    records: &BTreeMap<Id, T>,
    page: Page<Id>,
    most: u32,
    is_wanted: impl Fn(&T) -> bool,
) -> Vec<T> {
    let (skip, limit) = (page.skip as usize, most as usize);
    let beyond = page.after.map_or(Bound::Unbounded, Bound::Excluded);
    match page.order {
        Order::OldestFirst => {
            let later = records.range((beyond, Bound::Unbounded)).map(|(_, record)| record);
            later.filter(|record| is_wanted(record)).skip(skip).take(limit).cloned().collect()
        }
        Order::NewestFirst => {
            let earlier = records.range((Bound::Unbounded, beyond)).rev().map(|(_, record)| record);
            earlier.filter(|record| is_wanted(record)).skip(skip).take(limit).cloned().collect()
        }
    }
}

fn lets_through<T: PartialEq>(wanted: Option<&T>, value: &T) -> bool {
    wanted.is_none_or(|wanted| wanted == value)
}

fn is_among<T: PartialEq>(wanted: Option<&Vec<T>>, value: &T) -> bool {
    wanted.is_none_or(|wanted| wanted.contains(value))
}

fn has_repository(cache: &ImageCache, wanted: &model::RepositoryName) -> bool {
    let mut references = cache.images.iter().filter_map(ImageSource::reference);
    references.any(|reference| reference.repository() == wanted)
}

/// Whether the filter lets the cache through.
pub(super) fn is_wanted_cache(filter: &CacheFilter, cache: &ImageCache) -> bool {
    let has_tag = |key: &String, value: &Option<String>| {
        cache.policy.tags.get(key).is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
    };
    let label = |key: &String| Some(cache.notes.as_ref()?.labels().get(key)?.as_str());
    lets_through(filter.account.as_ref(), &cache.account)
        && is_among(filter.ids.as_ref(), &cache.id)
        && is_among(filter.names.as_ref(), &cache.name)
        && is_among(filter.states.as_ref(), &cache.state)
        && lets_through(filter.origin.as_ref(), &cache.origin)
        && (filter.snapshot.is_none() || filter.snapshot == cache.snapshot)
        && filter.image.as_ref().is_none_or(|image| cache.images.contains(image))
        && filter.repository.as_ref().is_none_or(|wanted| has_repository(cache, wanted))
        && filter.tags.iter().all(|(key, value)| has_tag(key, value))
        && filter.labels.iter().all(|(key, wanted)| wanted.lets_through(label(key)))
        && !(filter.lasting && cache.deleting.is_some())
}

/// Whether the filter lets the instance through.
pub(super) fn is_wanted_instance(filter: &InstanceFilter, instance: &Instance) -> bool {
    lets_through(filter.account.as_ref(), &instance.account)
        && lets_through(filter.snapshot.as_ref(), &instance.snapshot)
        && (filter.cache.is_none() || filter.cache == instance.cache)
        && (filter.group.is_none() || filter.group == instance.group)
        && !(filter.unfinished && instance.state.has_ended())
}
