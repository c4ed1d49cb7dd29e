//! What happened to a cache, in the cloud's words.
//!
//! Source: the reasons and messages of builds as the published examples have them (the older form of the messages). Those of
//! failures are not published: `PullImageFailed`, `DiskFull` and `SnapFailed` are ours. Whatever the cloud has no word for keeps
//! our own.

use std::str::FromStr;

use model::{BuildFailure, BuildId, CacheId, Event, EventKind, EventReason, ImageSnapshotId};

use super::super::{EventType, ImageCacheEvent};
use super::snapshot_id;

/// How many digits of an id the cloud has.
const DIGITS: usize = 8;

/// The events of a cache, given in order of time, newest first. `failure` is the cache's own: it says why its last build
/// failed. Events of single layers are left out.
#[must_use]
pub fn events(cache: CacheId, events: &[Event], failure: Option<&BuildFailure>) -> Vec<ImageCacheEvent> {
    let mut told: Vec<(&Event, String, String)> = Vec::new();
    for event in events.iter().filter(|event| !event.reason.is_of_a_layer()) {
        let words = words(cache, event, failure).into_iter();
        told.extend(words.map(|(reason, message)| (event, reason, message)));
    }
    // Stable, so that what happened at once keeps its order.
    told.sort_by_key(|(event, _, _)| event.last);
    let shown = told.into_iter().rev().map(|(event, reason, message)| ImageCacheEvent {
        image_cache_id: cache.to_string(),
        r#type: match event.kind {
            EventKind::Normal => EventType::Normal,
            EventKind::Warning => EventType::Warning,
        },
        reason,
        message,
        first_timestamp: event.first.into(),
        last_timestamp: event.last.into(),
    });
    shown.collect()
}

/// Reason and message of what the cloud says of one event, in order.
fn words(cache: CacheId, event: &Event, failure: Option<&BuildFailure>) -> Vec<(String, String)> {
    let says = |reason: &str, message: String| (reason.to_owned(), message);
    match event.reason {
        // The builder and its disk come in one second.
        EventReason::BuildStarted => {
            let named = named::<BuildId>(&event.message).map_or(cache.to_string(), |build| build.to_string());
            let digits = &named[named.len().saturating_sub(DIGITS)..];
            vec![
                says("EksciCreated", format!("Eksci eksci-{digits} created")),
                says("DiskCreated", format!("Disk disk-{digits} created")),
            ]
        }
        EventReason::SnapshotCommitted => {
            let message = match named::<ImageSnapshotId>(&event.message) {
                Some(snapshot) => format!("Snap {} created", snapshot_id(Some(snapshot))),
                None => event.message.clone(),
            };
            vec![says("SnapCreated", message)]
        }
        EventReason::BuildFailed => {
            let why = failure.filter(|failure| failure.message == event.message);
            let reason = match why.map_or("", |failure| failure.reason.as_str()) {
                "size-too-small" | "no-space" => "DiskFull",
                "internal" | "sealed" | "busy" => "SnapFailed",
                _ => "PullImageFailed",
            };
            vec![says(reason, event.message.clone())]
        }
        EventReason::SnapshotLost => vec![says("SnapFailed", event.message.clone())],
        reason => vec![says(reason.as_str(), event.message.clone())],
    }
}

/// The first id of that kind that a message names.
fn named<Id: FromStr>(message: &str) -> Option<Id> {
    message.split_whitespace().find_map(|word| word.parse().ok())
}
