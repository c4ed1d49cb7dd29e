//! What happened to a group, and what its containers wrote, in the cloud's words.
//!
//! Source of the events' words: what real clusters have logged. Whatever the cloud has no word for keeps our own.

use clouds::alibaba::answer::{
    CacheEvent, ContainerLog, EventMetadata, EventSourceName, GroupEvent, GroupEvents, InvolvedObject,
    PodEvents,
};
use clouds::alibaba::request::{DescribeContainerGroupEvents, DescribeContainerLog, EventSource};
use clouds::alibaba::{Answer, OperationName, Refusal};
use futures::TryStreamExt as _;
use futures::future::try_join_all;
use model::{CacheId, Event, EventKind, EventReason, Timestamp};

use super::{DEFAULT_PAGE, Group, shown};
use crate::clouds::alibaba::shown::event_name;
use crate::clouds::alibaba::{Caller, ids, refusals};
use crate::service::{LogRequest, ServiceError, ServiceErrorKind};

/// The most events of a group.
const MOST_EVENTS: usize = 50;

/// Whether an event is the platform's, rather than the container's.
fn is_of_platform(reason: &str) -> bool {
    !matches!(reason, "Pulling" | "Pulled" | "Created" | "Started" | "Failed" | "BackOff")
}

/// The container that an event is about: its name stands in backticks at the beginning.
fn container_of(message: &str) -> Option<&str> {
    message.strip_prefix("the container `")?.split('`').next()
}

/// One event in the cloud's words; some are several of it.
fn words(group: &Group, event: &Event) -> Vec<(EventKind, String, String)> {
    let cache = || {
        event
            .message
            .split_whitespace()
            .find_map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).parse::<CacheId>().ok())
    };
    let chosen = group.view.group.status.choice.as_ref().and_then(|choice| choice.cache);
    let cache = || cache().or(chosen).map_or_else(String::new, |id| id.to_string());
    let normal = |reason: &str, message: String| (EventKind::Normal, reason.to_owned(), message);
    let warning = |reason: &str, message: String| (EventKind::Warning, reason.to_owned(), message);
    let hit = || {
        let message = format!(
            "[eci.imagecache]Successfully hit image cache {}, eci will be scheduled with this image cache.",
            cache()
        );
        normal("SuccessfulHitImageCache", message)
    };
    let images = || {
        let images: std::collections::BTreeSet<String> =
            shown::images(group).into_iter().map(|(_, image)| image).collect();
        images.into_iter()
    };
    let pulled = || images().map(|image| normal("Pulled", format!("Successfully pulled image \"{image}\"")));
    let present = || {
        images()
            .map(|image| normal("Pulled", format!("Container image \"{image}\" already present on machine")))
    };
    match event.reason {
        EventReason::CacheHit => std::iter::once(hit()).chain(present()).collect(),
        EventReason::CachePartlyHit => std::iter::once(hit()).chain(pulled()).collect(),
        // Where no cache was to be looked for, none was missed.
        EventReason::CacheMiss if !group.view.group.spec.match_cache => pulled().collect(),
        EventReason::CacheMiss => {
            let missed = warning("ImageCacheMissed", "[eci.imagecache]Missed image cache.".to_owned());
            std::iter::once(missed).chain(pulled()).collect()
        }
        EventReason::AutoCreated if event.kind == EventKind::Normal => {
            let message = format!("[eci.imagecache]Image cache {} is auto created", cache());
            vec![normal("ImageCacheAutoCreated", message)]
        }
        EventReason::AutoCreated => {
            let message = format!("[eci.imagecache]Image cache auto create failed for {}", event.message);
            vec![warning("ImageCacheAutoCreateFailed", message)]
        }
        EventReason::Started => {
            let container = container_of(&event.message).unwrap_or_default();
            vec![
                normal("Created", format!("Created container {container}")),
                normal("Started", format!("Started container {container}")),
            ]
        }
        EventReason::StartFailed if container_of(&event.message).is_some() => {
            vec![warning("Failed", event.message.clone())]
        }
        EventReason::StartFailed => {
            vec![warning("StartingFailed", format!("eci starting failed: {}", event.message))]
        }
        EventReason::ImagesFailed => {
            vec![warning("Failed", format!("Failed to pull image: {}", event.message))]
        }
        EventReason::BackOff => {
            let container = container_of(&event.message).unwrap_or_default();
            vec![warning("BackOff", format!("Back-off restarting failed container {container}"))]
        }
        EventReason::Created | EventReason::ServedPinned => Vec::new(),
        reason => vec![(event.kind, reason.to_string(), event.message.clone())],
    }
}

impl Caller {
    /// The events of a group, newest first.
    pub(super) async fn events_of(&self, group: &Group) -> Result<Vec<CacheEvent>, ServiceError> {
        if let Some(cache) = &group.transit {
            return self.transit_events(cache).await;
        }
        let name = &group.name;
        let events = match self.edge.service().group_events(&self.account, group.id()).await {
            Ok(events) => events,
            Err(error) if error.kind == ServiceErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut told: Vec<(&Event, (EventKind, String, String))> = events
            .iter()
            .flat_map(|event| words(group, event).into_iter().map(move |words| (event, words)))
            .collect();
        told.sort_by_key(|(event, _)| event.last);
        let shown = told.into_iter().rev().take(MOST_EVENTS).enumerate();
        let shown = shown.map(|(index, (event, (kind, reason, message)))| CacheEvent {
            kind,
            reason,
            message: ids::sentence(&message),
            name: event_name(name, event, index),
            count: event.count,
            first_timestamp: event.first,
            last_timestamp: event.last,
        });
        Ok(shown.collect())
    }

    pub(in crate::clouds::alibaba) async fn describe_group_events(
        &self,
        describe: &DescribeContainerGroupEvents,
    ) -> Result<Answer, Refusal> {
        const NAME: OperationName = OperationName::DescribeContainerGroupEvents;
        let of = |error| refusals::of_groups(NAME, &error);
        let groups = self.groups(&describe.filter).await.map_err(of)?;
        let total_count = groups.len() as u64;
        let (groups, _) = self.cut(groups, &describe.filter, describe.limit.unwrap_or(DEFAULT_PAGE))?;
        let now = self.edge.clock().now();
        let oldest = describe.since_seconds.map(|seconds| now.plus_micros(-i64::from(seconds) * 1_000_000));
        let data = groups.iter().map(|group| async move {
            let events = self.events_of(group).await?;
            let events = events.into_iter().filter(|event| {
                let is_wanted = match describe.source {
                    None => true,
                    Some(EventSource::Service) => is_of_platform(&event.reason),
                    Some(EventSource::Agent) => !is_of_platform(&event.reason),
                };
                is_wanted && oldest.is_none_or(|oldest| event.last_timestamp >= oldest)
            });
            Ok(pod_events(group, events))
        });
        let data = try_join_all(data).await.map_err(of)?;
        Ok(Answer::DescribeContainerGroupEvents(GroupEvents { total_count, data }))
    }

    pub(in crate::clouds::alibaba) async fn describe_log(
        &self,
        log: &DescribeContainerLog,
    ) -> Result<Answer, Refusal> {
        const NAME: OperationName = OperationName::DescribeContainerLog;
        let of = |error| refusals::of_groups(NAME, &error);
        let group = self.group(NAME, log.region.as_ref(), &log.group_id).await?;
        let known = &group.view.group;
        let mut places = known.spec.all().filter(|(_, spec)| spec.name.as_str() == log.container.as_str());
        let (place, _) = places.next().ok_or_else(|| Refusal::invalid("ContainerName"))?;
        let container = known.status.container(place);
        let last = container.and_then(|container| container.last.as_ref()).map(|run| run.instance);
        let current = container.and_then(model::ContainerStatus::instance);
        // One that waits to start again is known by how it was before.
        let wanted = if log.previous { last } else { current.or(last) };
        let content = match wanted {
            None => String::new(),
            Some(instance) => {
                let request = LogRequest { follow: false, tail: None };
                let id = instance.to_string();
                match self.edge.service().instance_logs(&self.account, &id, request).await {
                    Ok(feed) => {
                        let lines: Vec<wire::LogLine> = feed.try_collect().await.map_err(of)?;
                        content(log, &lines, self.edge.clock().now())
                    }
                    // It could not start, or is gone: it wrote nothing that is there.
                    Err(error) if error.kind == ServiceErrorKind::NotFound => String::new(),
                    Err(error) => return Err(of(error)),
                }
            }
        };
        Ok(Answer::DescribeContainerLog(ContainerLog { container_name: log.container.to_string(), content }))
    }
}

/// The last lines that are wanted, and of these the first bytes.
fn content(log: &DescribeContainerLog, lines: &[wire::LogLine], now: Timestamp) -> String {
    let since = log.since_seconds.map(|seconds| now.plus_micros(-i64::from(seconds) * 1_000_000));
    let since = since.max(log.since);
    let wanted: Vec<_> = lines.iter().filter(|line| since.is_none_or(|since| line.time >= since)).collect();
    let skipped = wanted.len().saturating_sub(log.tail_lines as usize);
    let mut content = String::new();
    for line in &wanted[skipped..] {
        if log.timestamps {
            content.push_str(&line.time.to_string());
            content.push(' ');
        }
        let bytes = line.output.bytes().unwrap_or_default();
        // A line has its end where that has come.
        content.push_str(&String::from_utf8_lossy(bytes.strip_suffix(b"\n").unwrap_or(&bytes)));
        content.push('\n');
    }
    let limit = log.limit_bytes as usize;
    if content.len() > limit {
        let end = (0..=limit).rev().find(|end| content.is_char_boundary(*end)).unwrap_or(0);
        content.truncate(end);
    }
    content
}

fn pod_events(group: &Group, events: impl Iterator<Item = CacheEvent>) -> PodEvents {
    let id = ids::group(group.id());
    let name = &group.name;
    let event = |event: CacheEvent| {
        let is_of_platform = is_of_platform(&event.reason);
        let component = if is_of_platform { "EciService" } else { "kubelet" };
        GroupEvent {
            kind: event.kind,
            reason: event.reason,
            message: event.message,
            count: event.count,
            first_timestamp: event.first_timestamp,
            last_timestamp: event.last_timestamp,
            reporting_component: component.to_owned(),
            reporting_instance: String::new(),
            source: EventSourceName {
                component: component.to_owned(),
                host: (!is_of_platform).then(|| "eci".to_owned()),
            },
            involved_object: InvolvedObject {
                kind: "Pod".to_owned(),
                name: name.clone(),
                namespace: shown::NAMESPACE.to_owned(),
                uid: id.clone(),
                api_version: "v1".to_owned(),
            },
            metadata: EventMetadata { name: event.name, namespace: shown::NAMESPACE.to_owned() },
        }
    };
    PodEvents {
        container_group_id: id.clone(),
        name: name.clone(),
        namespace: shown::NAMESPACE.to_owned(),
        uuid: id.clone(),
        annotations: std::collections::BTreeMap::new(),
        events: events.map(event).collect(),
    }
}
