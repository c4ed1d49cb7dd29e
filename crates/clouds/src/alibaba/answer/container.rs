//! Containers as `DescribeContainerGroups` shows them. Lists have plural names here and singular ones in requests.

use model::Timestamp;
use serde::Serialize;

use super::print;
use crate::alibaba::request::{
    Capabilities, ContainerPort, EnvironmentVariable, ImagePullPolicy, PortProtocol, Probe, ProbeAction,
    VariableSource, VolumeMount,
};

/// What containers and init containers show alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownContainer {
    /// Its name.
    pub name: String,
    /// Its image, as given.
    pub image: String,
    /// When its registry is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<ImagePullPolicy>,
    /// CPUs.
    pub cpu: f64,
    /// GiB.
    pub memory: f64,
    /// GPUs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<u32>,
    /// Where its first process starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Arguments.
    pub args: Vec<String>,
    /// Ports.
    pub ports: Vec<PrintedPort>,
    /// Variables; none where the request hides them.
    pub environment_vars: Vec<EnvironmentVar>,
    /// Mounts.
    pub volume_mounts: Vec<PrintedMount>,
    /// Whether it serves.
    pub ready: bool,
    /// How often it was started again.
    pub restart_count: u32,
    /// How it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_state: Option<ContainerState>,
    /// How it was before it was last started again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_state: Option<ContainerState>,
    /// What it may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupContainer {
    /// What init containers have too.
    #[serde(flatten)]
    pub shown: ShownContainer,
    /// The command.
    pub commands: Vec<String>,
    /// How it is seen to live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness_probe: Option<PrintedProbe>,
    /// How it is seen to serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readiness_probe: Option<PrintedProbe>,
    /// Whether its standard input is open.
    pub stdin: bool,
    /// Whether that is closed after the first who attached.
    pub stdin_once: bool,
    /// Whether it has a terminal.
    pub tty: bool,
}

/// An init container: its command has another name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct InitContainer {
    /// What containers have too.
    #[serde(flatten)]
    pub shown: ShownContainer,
    /// The command.
    pub command: Vec<String>,
}

/// Where a container is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ContainerPhase {
    /// It does not run yet.
    Waiting,
    /// It runs.
    Running,
    /// It ended.
    Terminated,
}

/// How a container is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerState {
    /// Where it is in its life.
    pub state: ContainerPhase,
    /// More of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail_status: Option<String>,
    /// Why, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The particulars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What it ended with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// When it started.
    #[serde(serialize_with = "print::maybe_time", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// When it ended.
    #[serde(serialize_with = "print::maybe_time", skip_serializing_if = "Option::is_none")]
    pub finish_time: Option<Timestamp>,
}

/// A port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PrintedPort {
    /// Its number.
    pub port: u16,
    /// Its protocol.
    pub protocol: PortProtocol,
}

impl From<&ContainerPort> for PrintedPort {
    fn from(port: &ContainerPort) -> Self {
        Self { port: port.port, protocol: port.protocol }
    }
}

/// A variable of the environment.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EnvironmentVar {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_from: Option<ValueFrom>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ValueFrom {
    field_ref: FieldRef,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct FieldRef {
    field_path: &'static str,
}

impl From<&EnvironmentVariable> for EnvironmentVar {
    fn from(variable: &EnvironmentVariable) -> Self {
        let (value, value_from) = match &variable.value {
            VariableSource::Value(secret) => (Some(secret.expose().to_owned()), None),
            VariableSource::PodIp => {
                (None, Some(ValueFrom { field_ref: FieldRef { field_path: "status.podIP" } }))
            }
        };
        Self { key: variable.key.clone(), value, value_from }
    }
}

/// The value goes to its owner and into no log.
impl std::fmt::Debug for EnvironmentVar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvironmentVar").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Where a volume is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PrintedMount {
    name: String,
    mount_path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_path: Option<String>,
    read_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mount_propagation: Option<String>,
}

impl From<&VolumeMount> for PrintedMount {
    fn from(mount: &VolumeMount) -> Self {
        Self {
            name: mount.volume.clone(),
            mount_path: mount.path.clone(),
            sub_path: mount.sub_path.clone(),
            read_only: mount.read_only,
            mount_propagation: mount.propagation.clone(),
        }
    }
}

/// A probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PrintedProbe {
    execs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_get: Option<PrintedGet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp_socket: Option<PrintedSocket>,
    initial_delay_seconds: u32,
    period_seconds: u32,
    timeout_seconds: u32,
    success_threshold: u32,
    failure_threshold: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PrintedGet {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PrintedSocket {
    port: u16,
}

impl From<&Probe> for PrintedProbe {
    fn from(probe: &Probe) -> Self {
        let (mut execs, mut http_get, mut tcp_socket) = (Vec::new(), None, None);
        match &probe.action {
            ProbeAction::HttpGet(get) => {
                http_get =
                    Some(PrintedGet { path: get.path.clone(), port: get.port, scheme: get.scheme.clone() });
            }
            ProbeAction::Command(command) => execs.clone_from(command),
            ProbeAction::TcpPort(port) => tcp_socket = Some(PrintedSocket { port: *port }),
        }
        Self {
            execs,
            http_get,
            tcp_socket,
            initial_delay_seconds: probe.initial_delay_seconds,
            period_seconds: probe.period_seconds,
            timeout_seconds: probe.timeout_seconds,
            success_threshold: probe.success_threshold,
            failure_threshold: probe.failure_threshold,
        }
    }
}

/// What a container may do beyond the usual, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SecurityContext {
    capability: Added,
    read_only_root_filesystem: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as_user: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Added {
    adds: Vec<String>,
}

impl From<&Capabilities> for SecurityContext {
    fn from(capabilities: &Capabilities) -> Self {
        Self {
            capability: Added { adds: capabilities.added.clone() },
            read_only_root_filesystem: capabilities.read_only_root,
            run_as_user: capabilities.user,
        }
    }
}
