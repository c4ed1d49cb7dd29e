//! Which caches a filter lets through, and pages of anything.

use api::service::{CacheFilter, Page};
use model::{ImageCache, ImageSource, RepositoryName};
use wire::Order;

fn has_repository(cache: &ImageCache, repository: &RepositoryName) -> bool {
    let of =
        |image: &ImageSource| matches!(image, ImageSource::Registry(one) if one.repository() == repository);
    cache.images.iter().any(of)
}

pub(super) fn passes(cache: &ImageCache, filter: &CacheFilter) -> bool {
    let labels = cache.notes.as_ref().map(|notes| notes.labels().clone()).unwrap_or_default();
    filter.ids.as_ref().is_none_or(|ids| ids.contains(&cache.id))
        && filter.names.as_ref().is_none_or(|names| names.contains(&cache.name))
        && filter.states.as_ref().is_none_or(|states| states.contains(&cache.state))
        && filter.snapshot.is_none_or(|snapshot| cache.snapshot == Some(snapshot))
        && filter.image.as_ref().is_none_or(|image| cache.images.contains(image))
        && filter.repository.as_ref().is_none_or(|repository| has_repository(cache, repository))
        && filter.labels.iter().all(|(key, filter)| filter.lets_through(labels.get(key).map(String::as_str)))
        && !(filter.lasting && cache.deleting.is_some())
        && filter.tags.iter().all(|(key, value)| {
            let has = cache.policy.tags.get(key);
            has.is_some_and(|has| value.as_ref().is_none_or(|value| value == has))
        })
}

pub(super) fn paged<T: Clone, Id: Ord + Copy>(
    mut all: Vec<T>,
    id: impl Fn(&T) -> Id,
    page: Page<Id>,
) -> (Vec<T>, Option<Id>) {
    all.sort_by_key(&id);
    if page.order == Order::NewestFirst {
        all.reverse();
    }
    let behind = |item: &T| match (page.after, page.order) {
        (None, _) => true,
        (Some(after), Order::OldestFirst) => id(item) > after,
        (Some(after), Order::NewestFirst) => id(item) < after,
    };
    let mut rest: Vec<T> = all.into_iter().filter(behind).skip(page.skip as usize).collect();
    let has_more = rest.len() > page.limit as usize;
    rest.truncate(page.limit as usize);
    let next = rest.last().filter(|_| has_more).map(&id);
    (rest, next)
}
