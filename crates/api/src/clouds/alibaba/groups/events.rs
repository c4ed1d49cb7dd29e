//! What happened to a group, and what its container wrote, in the cloud's words.
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
    !matches!(reason, "Pulling" | "Pulled" | "Created" | "Started" | "Failed")
}

/// One event in the cloud's words; some are two of it.
fn words(group: &Group, event: &Event) -> Vec<(EventKind, String, String)> {
    let (container, image) = (&group.notes.container.name, &group.notes.container.image);
    let cache = || event.message.split_whitespace().find_map(|word| word.parse::<CacheId>().ok());
    let cache = || cache().or(group.instance.as_ref().and_then(|instance| instance.cache));
    let cache = || cache().map_or_else(String::new, |id| id.to_string());
    let normal = |reason: &str, message: String| (EventKind::Normal, reason.to_owned(), message);
    let hit = || {
        let message = format!(
            "[eci.imagecache]Successfully hit image cache {}, eci will be scheduled with this image cache.",
            cache()
        );
        normal("SuccessfulHitImageCache", message)
    };
    let pulled = |message: String| normal("Pulled", message);
    match event.reason {
        EventReason::CacheHit => {
            vec![hit(), pulled(format!("Container image \"{image}\" already present on machine"))]
        }
        EventReason::CachePartlyHit => vec![hit(), pulled(format!("Successfully pulled image \"{image}\""))],
        EventReason::CacheMiss => {
            let missed = "[eci.imagecache]Missed image cache.".to_owned();
            let missed = (EventKind::Warning, "ImageCacheMissed".to_owned(), missed);
            vec![missed, pulled(format!("Successfully pulled image \"{image}\""))]
        }
        EventReason::AutoCreated => {
            let message = format!("[eci.imagecache]Image cache {} is auto created", cache());
            vec![normal("ImageCacheAutoCreated", message)]
        }
        EventReason::Started => vec![
            normal("Created", format!("Created container {container}")),
            normal("Started", format!("Started container {container}")),
        ],
        EventReason::StartFailed => vec![(EventKind::Warning, "Failed".to_owned(), event.message.clone())],
        reason => vec![(event.kind, reason.to_string(), event.message.clone())],
    }
}

impl Caller {
    /// The events of a group, newest first.
    pub(super) async fn events_of(&self, group: &Group) -> Result<Vec<CacheEvent>, ServiceError> {
        let name = &group.notes.name;
        if let Some(cache) = &group.transit {
            return self.transit_events(cache).await;
        }
        if let Some((why, at)) = &group.failure {
            let failed = CacheEvent {
                kind: EventKind::Warning,
                reason: "StartingFailed".to_owned(),
                message: format!("eci starting failed: {why}"),
                name: format!("{name}.{:016x}", at.as_micros()),
                count: 1,
                first_timestamp: *at,
                last_timestamp: *at,
            };
            return Ok(vec![failed]);
        }
        let events = match self.edge.service().instance_events(&self.account, &group.id.to_string()).await {
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
            message,
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
        if log.container.as_str() != group.notes.container.name {
            return Err(Refusal::invalid("ContainerName"));
        }
        let content = match &group.instance {
            // What there was before a restart: there are none.
            Some(_) if log.previous => String::new(),
            None => String::new(),
            Some(instance) => {
                let request = LogRequest { follow: false, tail: None };
                let id = instance.id.to_string();
                let feed =
                    self.edge.service().instance_logs(&self.account, &id, request).await.map_err(of)?;
                let lines: Vec<wire::LogLine> = feed.try_collect().await.map_err(of)?;
                content(log, &lines, self.edge.clock().now())
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
        content.push_str(&String::from_utf8_lossy(&line.output.bytes().unwrap_or_default()));
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
    let id = ids::group(group.id);
    let name = &group.notes.name;
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
