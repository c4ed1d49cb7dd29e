//! Probes: how it is seen that a container lives and serves.

use crate::alibaba::error::Refusal;
use crate::alibaba::parameters::Fields;

const MOST_ARGUMENTS: usize = 100;

/// `LivenessProbe` or `ReadinessProbe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What is tried.
    pub action: ProbeAction,
    /// `InitialDelaySeconds`
    pub initial_delay_seconds: u32,
    /// `PeriodSeconds`
    pub period_seconds: u32,
    /// `TimeoutSeconds`
    pub timeout_seconds: u32,
    /// `SuccessThreshold`
    pub success_threshold: u32,
    /// `FailureThreshold`
    pub failure_threshold: u32,
}

/// What a probe tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeAction {
    /// `HttpGet`
    HttpGet(HttpGet),
    /// `Exec.Command.M`
    Command(Vec<String>),
    /// `TcpSocket.Port`
    TcpPort(u16),
}

/// A request to the container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpGet {
    /// `Path`
    pub path: Option<String>,
    /// `Port`
    pub port: Option<u16>,
    /// `Scheme`
    pub scheme: Option<String>,
}

impl Probe {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let http = fields.object("HttpGet", |get| {
            let port = get.number("Port", 1..=u16::MAX)?;
            Ok(HttpGet { path: get.parsed("Path")?, port, scheme: get.parsed("Scheme")? })
        })?;
        let command = fields.object("Exec", |exec| exec.list("Command", MOST_ARGUMENTS))?;
        let port = fields.object("TcpSocket", |socket| {
            socket.number("Port", 1..=u16::MAX)?.ok_or_else(|| socket.missing("Port"))
        })?;
        let action = match (http, command, port) {
            (Some(get), None, None) => ProbeAction::HttpGet(get),
            (None, Some(command), None) => ProbeAction::Command(command),
            (None, None, Some(port)) => ProbeAction::TcpPort(port),
            (None, None, None) => return Err(fields.missing("HttpGet")),
            _ => return Err(fields.invalid("HttpGet")),
        };
        let number = |part: &str, least: u32| fields.number(part, least..=i32::MAX.unsigned_abs());
        Ok(Self {
            action,
            initial_delay_seconds: number("InitialDelaySeconds", 0)?.unwrap_or(0),
            period_seconds: number("PeriodSeconds", 1)?.unwrap_or(10),
            timeout_seconds: number("TimeoutSeconds", 1)?.unwrap_or(1),
            success_threshold: number("SuccessThreshold", 1)?.unwrap_or(1),
            failure_threshold: number("FailureThreshold", 1)?.unwrap_or(3),
        })
    }
}
