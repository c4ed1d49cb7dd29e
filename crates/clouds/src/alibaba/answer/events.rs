//! The answer of `DescribeContainerGroupEvents`. The spelling is the wire's own: one name begins with a small letter.

use std::collections::BTreeMap;

use model::{EventKind, Timestamp};
use serde::Serialize;

use super::print;

/// Of `DescribeContainerGroupEvents`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupEvents {
    /// How many groups there are on all pages.
    pub total_count: u64,
    /// Those of this page.
    pub data: Vec<PodEvents>,
}

/// What happened to one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PodEvents {
    /// Its id.
    pub container_group_id: String,
    /// Its name.
    pub name: String,
    /// The namespace of its pod.
    pub namespace: String,
    /// The id of its pod.
    #[serde(rename = "uuid")]
    pub uuid: String,
    /// The annotations of its pod, printed as JSON in a string.
    #[serde(serialize_with = "print::annotations")]
    pub annotations: BTreeMap<String, String>,
    /// The newest 50 by default.
    pub events: Vec<GroupEvent>,
}

/// What happened once or more often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupEvent {
    /// Whether somebody should look at it.
    #[serde(rename = "Type")]
    pub kind: EventKind,
    /// What happened, in one word of the cloud.
    pub reason: String,
    /// The particulars.
    pub message: String,
    /// How often.
    pub count: u32,
    /// When first.
    #[serde(serialize_with = "print::display")]
    pub first_timestamp: Timestamp,
    /// When last.
    #[serde(serialize_with = "print::display")]
    pub last_timestamp: Timestamp,
    /// Who tells.
    pub reporting_component: String,
    /// Which one of these.
    pub reporting_instance: String,
    /// Who saw it.
    pub source: EventSourceName,
    /// What it is about.
    #[serde(rename = "involvedObject")]
    pub involved_object: InvolvedObject,
    /// The event's own name.
    pub metadata: EventMetadata,
}

/// Who saw an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventSourceName {
    /// `EciService` for the platform, `kubelet` for containers.
    pub component: String,
    /// `eci` with `kubelet`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct InvolvedObject {
    /// `Pod`
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The id of the group.
    pub uid: String,
    /// `v1`
    pub api_version: String,
}

/// An event's own name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventMetadata {
    /// The name of the group, a point, and hexadecimal digits.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
}
