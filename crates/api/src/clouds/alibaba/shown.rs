//! A cache and its events, in the cloud's words.
//!
//! Source of the events' words: examples of the API's documentation, and what real clusters have logged. Whatever the cloud has no
//! word for keeps our own.

use clouds::alibaba::answer::{CacheEvent, ImageCacheEntry};
use model::{CopyState, Event, EventReason, ImageCache, Percent};

use super::ids;
use crate::clouds::recorded::Recorded;
use crate::service::CacheView;

/// The most events of a cache.
const MOST_EVENTS: usize = 50;

/// A cache as descriptions show it.
pub(super) fn entry(view: &CacheView, region: &str, events: &[Event]) -> ImageCacheEntry {
    let cache = &view.cache;
    let recorded = Recorded::of(cache.notes.as_ref());
    let copies = cache.copies;
    let is_local = cache.policy.copies.flash && copies.standard != CopyState::Complete;
    let images = recorded.texts_of(&cache.images);
    ImageCacheEntry {
        image_cache_id: cache.id.to_string(),
        image_cache_name: ids::cache_name(&cache.name),
        region_id: region.to_owned(),
        image_cache_size: u32::try_from(cache.size_limit.gib_rounded_up()).unwrap_or(u32::MAX),
        status: cache.state,
        progress: progress(cache, is_local),
        creation_time: cache.created,
        expire_date_time: view.expires,
        last_matched_time: cache.last_used,
        container_group_id: ids::transit(cache.id),
        snapshot_id: cache.snapshot.filter(|_| !is_local).map(ids::snapshot),
        flash_snapshot_id: cache.snapshot.filter(|_| is_local).map(ids::local_snapshot),
        elimination_strategy: cache.policy.elimination,
        tags: cache.policy.tags.clone(),
        events: self::events(cache, &images, events),
        resource_group_id: recorded.resource_group,
        images,
    }
}

/// How far its build is; of a flash cache that is usable, how far the standard snapshot is.
fn progress(cache: &ImageCache, is_local: bool) -> Percent {
    match (cache.is_usable() && is_local, cache.copies.standard) {
        (true, CopyState::Absent) => Percent::new(0),
        (true, CopyState::Copying { progress }) => progress,
        _ => cache.progress,
    }
}

/// Its events, the newest ones, newest first.
pub(super) fn events(cache: &ImageCache, images: &[String], events: &[Event]) -> Vec<CacheEvent> {
    let mut told: Vec<(&Event, &str, String)> = Vec::new();
    for event in events.iter().filter(|event| !event.reason.is_of_a_layer()) {
        match event.reason {
            EventReason::SnapshotCommitted => told.extend(
                images.iter().map(|image| (event, "Pulled", format!("Successfully pulled image {image}"))),
            ),
            reason => {
                let (reason, message) = words(reason, &event.message);
                told.push((event, reason, message));
            }
        }
    }
    // Stable, so that what happened at once keeps its order.
    told.sort_by_key(|(event, _, _)| event.last);
    let shown = told.into_iter().rev().take(MOST_EVENTS).enumerate();
    let cache_name = ids::cache_name(&cache.name);
    shown
        .map(|(index, (event, reason, message))| CacheEvent {
            kind: event.kind,
            reason: reason.to_owned(),
            message,
            name: event_name(&cache_name, event, index),
            count: event.count,
            first_timestamp: event.first,
            last_timestamp: event.last,
        })
        .collect()
}

fn words(reason: EventReason, message: &str) -> (&'static str, String) {
    match reason {
        EventReason::Created => ("Started", "Successfully check image cache resource.".to_owned()),
        EventReason::BuildStarted => ("Pulling", "start to pull images".to_owned()),
        EventReason::BuildFailed | EventReason::SnapshotLost => ("Failed", ids::sentence(message)),
        other => (other.as_str(), ids::sentence(message)),
    }
}

/// An event's own name: that of what it is about, and digits that tell it from others.
pub(super) fn event_name(subject: &str, event: &Event, index: usize) -> String {
    let digits = event.first.as_micros().unsigned_abs().wrapping_mul(64).wrapping_add(index as u64);
    format!("{subject}.{digits:016x}")
}
