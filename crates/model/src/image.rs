//! The image config: what a container of this image runs by default.
//!
//! Source: OCI image-spec, `config.md`; Docker's `HEALTHCHECK` and `OnBuild` are read past.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{DiffId, Platform};

/// An image's config, parsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// What it was built for.
    pub platform: Platform,
    /// The layers' diff ids, lowest first; as many as the manifest has layers.
    pub diff_ids: Vec<DiffId>,
    /// `Entrypoint`, empty for none.
    #[serde(default)]
    pub entrypoint: Vec<String>,
    /// `Cmd`, empty for none.
    #[serde(default)]
    pub cmd: Vec<String>,
    /// `Env` as `NAME=value`, in the image's order.
    #[serde(default)]
    pub env: Vec<String>,
    /// `User`: `user`, `uid`, `user:group`, `uid:gid` and mixtures; `None` is root.
    #[serde(default)]
    pub user: Option<String>,
    /// `WorkingDir`; `None` is `/`.
    #[serde(default)]
    pub working_dir: Option<String>,
    /// `StopSignal`, a name or number; `None` is SIGTERM.
    #[serde(default)]
    pub stop_signal: Option<String>,
    /// `ExposedPorts`, as `80/tcp`.
    #[serde(default)]
    pub exposed_ports: Vec<String>,
    /// `Volumes`: paths that want storage of their own.
    #[serde(default)]
    pub volumes: Vec<String>,
    /// `Labels`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// `Healthcheck`, recorded only.
    #[serde(default)]
    pub healthcheck: Option<Healthcheck>,
}

/// Docker's health check, recorded and not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Healthcheck {
    /// `Test` as it stands.
    pub test: Vec<String>,
}
