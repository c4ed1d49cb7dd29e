//! Containers of a group.

use std::path::{Component, Path};

use super::image::GivenImage;
use super::probe::{HttpGet, Probe};
use super::secret::Secret;
use super::text::is_label;
use super::words::{ImagePullPolicy, PortProtocol};
use crate::alibaba::error::Refusal;
use crate::alibaba::parameters::Fields;

const MOST_ARGUMENTS: usize = 100;
const MOST_VARIABLES: usize = 240;
const MOST_PORTS: usize = 100;
const MOST_MOUNTS: usize = 40;
const MOST_CAPABILITIES: usize = 10;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;
/// The one field that a variable may refer to.
const POD_IP: &str = "status.podIP";

/// `Container.N` or `InitContainer.N`. What only the former has is empty in the latter.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    /// `Name`
    pub name: String,
    /// `Image`
    pub image: GivenImage,
    /// `ImagePullPolicy`
    pub pull_policy: Option<ImagePullPolicy>,
    /// `Command.M`
    pub command: Vec<String>,
    /// `Arg.M`
    pub arguments: Vec<String>,
    /// `Cpu`
    pub cpu: Option<f64>,
    /// `Memory`, in GiB.
    pub memory_gib: Option<f64>,
    /// `Gpu`
    pub gpu: Option<u32>,
    /// `WorkingDir`
    pub working_dir: Option<String>,
    /// `Stdin`
    pub stdin: bool,
    /// `StdinOnce`
    pub stdin_once: bool,
    /// `Tty`
    pub tty: bool,
    /// `EnvironmentVar.M`
    pub environment: Vec<EnvironmentVariable>,
    /// `EnvironmentVarHide`: variables do not come back in answers.
    pub hide_environment: bool,
    /// `Port.M`
    pub ports: Vec<ContainerPort>,
    /// `VolumeMount.M`
    pub mounts: Vec<VolumeMount>,
    /// `LivenessProbe`
    pub liveness: Option<Probe>,
    /// `ReadinessProbe`
    pub readiness: Option<Probe>,
    /// `SecurityContext` and the parameters that begin with it.
    pub capabilities: Capabilities,
    /// `TerminationMessagePath`
    pub termination_message_path: Option<String>,
    /// `TerminationMessagePolicy`
    pub termination_message_policy: Option<String>,
    /// `LifecyclePostStart*` and `LifecyclePreStop*`
    pub lifecycle: Lifecycle,
}

impl Container {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            stdin: fields.flag("Stdin")?,
            stdin_once: fields.flag("StdinOnce")?,
            tty: fields.flag("Tty")?,
            hide_environment: fields.flag("EnvironmentVarHide")?,
            liveness: fields.object("LivenessProbe", Probe::read)?,
            readiness: fields.object("ReadinessProbe", Probe::read)?,
            capabilities: Capabilities::read(fields)?.with_user(fields)?,
            lifecycle: Lifecycle {
                post_start: LifecycleAction::read(fields, "LifecyclePostStartHandler")?,
                pre_stop: LifecycleAction::read(fields, "LifecyclePreStopHandler")?,
            },
            ..Self::read_init(fields)?
        })
    }

    /// What init containers have of it.
    pub(super) fn read_init(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let name: String = fields.required("Name")?;
        if name.len() > LONGEST_KEY || !is_label(&name) {
            return Err(fields.invalid("Name"));
        }
        let working_dir: Option<String> = fields.parsed("WorkingDir")?;
        if working_dir.as_deref().is_some_and(|path| !path.starts_with('/') || path.contains('\0')) {
            return Err(fields.invalid("WorkingDir"));
        }
        Ok(Self {
            name,
            image: fields.required("Image")?,
            pull_policy: fields.parsed("ImagePullPolicy")?,
            command: fields.list("Command", MOST_ARGUMENTS)?,
            arguments: fields.list("Arg", MOST_ARGUMENTS)?,
            cpu: fields.quantity("Cpu")?,
            memory_gib: fields.quantity("Memory")?,
            gpu: fields.parsed("Gpu")?,
            working_dir,
            stdin: false,
            stdin_once: false,
            tty: false,
            environment: fields.objects("EnvironmentVar", MOST_VARIABLES, EnvironmentVariable::read)?,
            hide_environment: false,
            ports: fields.objects("Port", MOST_PORTS, ContainerPort::read)?,
            mounts: fields.objects("VolumeMount", MOST_MOUNTS, VolumeMount::read)?,
            liveness: None,
            readiness: None,
            capabilities: Capabilities::read(fields)?,
            termination_message_path: fields.parsed("TerminationMessagePath")?,
            termination_message_policy: fields.parsed("TerminationMessagePolicy")?,
            lifecycle: Lifecycle { post_start: None, pre_stop: None },
        })
    }
}

/// `EnvironmentVar.M`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentVariable {
    /// `Key`
    pub key: String,
    /// `Value` or `FieldRef.FieldPath`
    pub value: VariableSource,
}

/// Where a variable's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariableSource {
    /// It is given. Often a password.
    Value(Secret),
    /// The address of the group.
    PodIp,
}

impl EnvironmentVariable {
    fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let key: String = fields.required("Key")?;
        let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain || key.len() > LONGEST_KEY || key.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(fields.invalid("Key"));
        }
        let field = fields.object("FieldRef", |field| match field.text("FieldPath") {
            None => Ok(false),
            Some(POD_IP) => Ok(true),
            Some(_) => Err(field.invalid("FieldPath")),
        })?;
        let value = fields.blank_or("Value").unwrap_or_default();
        if value.chars().count() > LONGEST_VALUE {
            return Err(fields.too_long("Value", LONGEST_VALUE));
        }
        let value = match (field.unwrap_or_default(), value) {
            (true, "") => VariableSource::PodIp,
            (true, _) => return Err(fields.invalid("Value")),
            (false, value) => VariableSource::Value(value.parse().map_err(|_| fields.invalid("Value"))?),
        };
        Ok(Self { key, value })
    }
}

/// `Port.M`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContainerPort {
    /// `Port`
    pub port: u16,
    /// `Protocol`
    pub protocol: PortProtocol,
}

impl ContainerPort {
    fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let port = fields.number("Port", 1..=u16::MAX)?.ok_or_else(|| fields.missing("Port"))?;
        Ok(Self { port, protocol: fields.parsed("Protocol")?.unwrap_or(PortProtocol::Tcp) })
    }
}

/// `VolumeMount.M`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeMount {
    /// `Name`: of the volume.
    pub volume: String,
    /// `MountPath`
    pub path: String,
    /// `SubPath`
    pub sub_path: Option<String>,
    /// `ReadOnly`
    pub read_only: bool,
    /// `MountPropagation`
    pub propagation: Option<String>,
}

impl VolumeMount {
    fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let path: String = fields.required("MountPath")?;
        if !is_mount_point(&path) {
            return Err(fields.invalid("MountPath"));
        }
        let sub_path: Option<String> = fields.parsed("SubPath")?;
        if sub_path.as_deref().is_some_and(|path| !stays_below(path)) {
            return Err(fields.invalid("SubPath"));
        }
        Ok(Self {
            volume: fields.required("Name")?,
            path,
            sub_path,
            read_only: fields.flag("ReadOnly")?,
            propagation: fields.parsed("MountPropagation")?,
        })
    }
}

/// Whether a volume can be there: not in place of the root, of all devices, or of what the kernel shows in `/proc`.
fn is_mount_point(path: &str) -> bool {
    let is = |place: &str| Path::new(path) == Path::new(place);
    let from_root = path.strip_prefix('/').is_some_and(|path| stays_below(path.trim_start_matches('/')));
    from_root && !is("/") && !is("/dev") && !Path::new(path).starts_with("/proc")
}

/// Whether a path stays where it begins.
fn stays_below(path: &str) -> bool {
    !path.contains('\0') && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// What a container may do beyond the usual, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// `SecurityContext.Capability.Add.M`
    pub added: Vec<String>,
    /// `SecurityContext.ReadOnlyRootFilesystem`
    pub read_only_root: bool,
    /// `SecurityContext.RunAsUser`
    pub user: Option<u32>,
    /// `SecurityContextPrivileged`
    pub privileged: bool,
    /// `SecurityContextRunAsGroup`
    pub group: Option<u32>,
    /// `SecurityContextRunAsNonRoot`
    pub not_root: bool,
}

impl Capabilities {
    fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let none = Self {
            added: Vec::new(),
            read_only_root: false,
            user: None,
            privileged: false,
            group: None,
            not_root: false,
        };
        let given = fields.object("SecurityContext", |context| {
            Ok(Self {
                added: context
                    .object("Capability", |all| all.list("Add", MOST_CAPABILITIES))?
                    .unwrap_or_default(),
                read_only_root: context.flag("ReadOnlyRootFilesystem")?,
                user: context.parsed("RunAsUser")?,
                ..none.clone()
            })
        })?;
        Ok(given.unwrap_or(none))
    }

    fn with_user(self, fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            privileged: fields.flag("SecurityContextPrivileged")?,
            group: fields.parsed("SecurityContextRunAsGroup")?,
            not_root: fields.flag("SecurityContextRunAsNonRoot")?,
            ..self
        })
    }
}

/// What runs beside a container's start and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// `LifecyclePostStartHandler*`
    pub post_start: Option<LifecycleAction>,
    /// `LifecyclePreStopHandler*`
    pub pre_stop: Option<LifecycleAction>,
}

/// What is done then: all that was said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleAction {
    /// `Exec.M`
    pub command: Vec<String>,
    /// `HttpGetHost`
    pub http_host: Option<String>,
    /// `HttpGetPath`, `HttpGetPort` and `HttpGetScheme`
    pub http: HttpGet,
    /// `HttpGetHttpHeader.M.Name` and `.Value`
    pub http_headers: Vec<(String, Secret)>,
    /// `TcpSocketHost`
    pub tcp_host: Option<String>,
    /// `TcpSocketPort`
    pub tcp_port: Option<u16>,
}

impl LifecycleAction {
    fn read(fields: &Fields<'_>, prefix: &str) -> Result<Option<Self>, Refusal> {
        let part = |rest: &str| format!("{prefix}{rest}");
        let action = Self {
            command: fields.list(&part("Exec"), MOST_ARGUMENTS)?,
            http_host: fields.parsed(&part("HttpGetHost"))?,
            http: HttpGet {
                path: fields.parsed(&part("HttpGetPath"))?,
                port: fields.parsed(&part("HttpGetPort"))?,
                scheme: fields.parsed(&part("HttpGetScheme"))?,
            },
            http_headers: fields.objects(&part("HttpGetHttpHeader"), MOST_ARGUMENTS, |header| {
                let value = header.parsed("Value")?.ok_or_else(|| header.missing("Value"))?;
                Ok((header.required("Name")?, value))
            })?,
            tcp_host: fields.parsed(&part("TcpSocketHost"))?,
            tcp_port: fields.parsed(&part("TcpSocketPort"))?,
        };
        let is_said = !action.command.is_empty()
            || action.http_host.is_some()
            || action.http != HttpGet::default()
            || !action.http_headers.is_empty()
            || action.tcp_host.is_some()
            || action.tcp_port.is_some();
        Ok(is_said.then_some(action))
    }
}
