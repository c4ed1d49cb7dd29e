//! The answer of `DescribeContainerGroupStatus`: groups in the words of pods. The spelling is the wire's own, some names begin with a
//! small letter and one is doubled.

use std::collections::BTreeMap;

use model::Timestamp;
use serde::Serialize;

use super::print;
use crate::alibaba::request::GroupStatus;

/// Of `DescribeContainerGroupStatus`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupStatuses {
    /// Where the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// How many there are on all pages.
    pub total_count: u64,
    /// Those of this page.
    pub data: Vec<StatusOfGroup>,
}

/// How one group is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StatusOfGroup {
    /// Its id.
    pub container_group_id: String,
    /// Its name.
    pub name: String,
    /// The namespace of its pod.
    pub namespace: String,
    /// Where it is in its life.
    pub status: GroupStatus,
    /// The id of its pod.
    #[serde(rename = "uuid")]
    pub uuid: String,
    /// The annotations of its pod, printed as JSON in a string.
    #[serde(serialize_with = "print::annotations")]
    pub annotations: BTreeMap<String, String>,
    /// How its pod is.
    pub pod_status: PodStatus,
}

/// How a pod is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_ip: Option<String>,
    /// Its addresses.
    pub pod_ips: Vec<PodIp>,
    /// The address of its host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<String>,
    /// Its class of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qos_class: Option<String>,
    /// When it started.
    #[serde(serialize_with = "print::maybe_time", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// Facts about it.
    pub conditions: Vec<PodCondition>,
    /// Its containers.
    pub container_statuses: Vec<ContainerStatus>,
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PodIp {
    /// The address.
    pub ip: String,
}

/// A fact about a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PodCondition {
    /// Which.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    #[serde(rename = "status")]
    pub status: String,
    /// Since when.
    #[serde(rename = "lastTransitionTime", serialize_with = "print::display")]
    pub last_transition_time: Timestamp,
    /// Why, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The particulars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// How one container is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerStatus {
    /// Its name.
    pub name: String,
    /// Its image, as given.
    pub image: String,
    /// Its image by digest.
    #[serde(rename = "ImageID", skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// Whether it serves.
    pub ready: bool,
    /// Whether it has started.
    pub started: bool,
    /// How often it was started again.
    pub restart_count: u32,
    /// How it is.
    pub state: PodContainerState,
    /// How it was before it was last started again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_state: Option<PodContainerState>,
}

/// How a container is: one of three, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodContainerState {
    /// It does not run yet.
    Waiting {
        /// Why, in one word.
        reason: Option<String>,
        /// The particulars.
        message: Option<String>,
    },
    /// It runs.
    Running {
        /// Since when.
        started: Timestamp,
    },
    /// It ended.
    Terminated {
        /// Its id at the runtime.
        container_id: Option<String>,
        /// What it ended with.
        exit_code: i32,
        /// The signal that ended it.
        signal: Option<i32>,
        /// Why, in one word.
        reason: Option<String>,
        /// The particulars.
        message: Option<String>,
        /// When it started.
        started: Option<Timestamp>,
        /// When it ended.
        finished: Option<Timestamp>,
    },
}

#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
struct PrintedState<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<Waiting<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<Running>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terminated: Option<Terminated<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Waiting<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: &'a Option<String>,
}

#[derive(Serialize)]
struct Running {
    #[serde(rename = "StartedAtstartedAt", serialize_with = "print::display")]
    started: Timestamp,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Terminated<'a> {
    #[serde(rename = "ContainerID", skip_serializing_if = "Option::is_none")]
    container_id: &'a Option<String>,
    exit_code: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: &'a Option<String>,
    #[serde(serialize_with = "print::maybe_time", skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(serialize_with = "print::maybe_time", skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
}

impl Serialize for PodContainerState {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let printed = match self {
            Self::Waiting { reason, message } => {
                PrintedState { waiting: Some(Waiting { reason, message }), ..PrintedState::default() }
            }
            Self::Running { started } => {
                PrintedState { running: Some(Running { started: *started }), ..PrintedState::default() }
            }
            Self::Terminated { container_id, exit_code, signal, reason, message, started, finished } => {
                let terminated = Terminated {
                    container_id,
                    exit_code: *exit_code,
                    signal: *signal,
                    reason,
                    message,
                    started_at: *started,
                    finished_at: *finished,
                };
                PrintedState { terminated: Some(terminated), ..PrintedState::default() }
            }
        };
        printed.serialize(serializer)
    }
}
