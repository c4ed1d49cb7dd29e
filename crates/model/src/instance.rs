//! Instances: containers started from images.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, CacheId, GroupId, ImageSnapshotId, ImageSource, InstanceId, InstanceName, ManifestDigest,
    Timestamp,
};

/// How a container's first process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExitStatus {
    /// By itself, with that code.
    Code(u8),
    /// By that signal.
    Signal(u8),
    /// Nobody was there to see it: the machine or the monitor went down.
    Unknown,
}

impl ExitStatus {
    /// As shells have it: the code, 128 + signal, 255 where nobody saw it.
    #[must_use]
    pub fn as_exit_code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => signal.saturating_add(128),
            Self::Unknown => 255,
        }
    }
}

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "state", content = "exit", rename_all = "PascalCase")]
pub enum InstanceState {
    /// Recorded; its mounts and its process are being made.
    Creating,
    /// Its first process runs.
    Running,
    /// Its first process ended, or it never came to run.
    Exited(ExitStatus),
}

impl InstanceState {
    /// Whether it is over, however it ended.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Exited(_))
    }
}

impl fmt::Display for InstanceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Creating => f.write_str("Creating"),
            Self::Running => f.write_str("Running"),
            Self::Exited(ExitStatus::Unknown) => f.write_str("Exited (unknown)"),
            Self::Exited(status) => write!(f, "Exited ({})", status.as_exit_code()),
        }
    }
}

/// A container started from an image of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Its name, unique among the instances of its account.
    pub name: InstanceName,
    /// Who owns it.
    pub account: AccountId,
    /// The image it was started from, as the cache has it.
    pub image: ImageSource,
    /// The manifest it was started from.
    pub manifest_digest: ManifestDigest,
    /// The snapshot that it holds while it exists.
    pub snapshot: ImageSnapshotId,
    /// The cache that it was started from.
    pub cache: Option<CacheId>,
    /// The container group that it is a container of.
    #[serde(default)]
    pub group: Option<GroupId>,
    /// What it runs.
    pub command: Vec<String>,
    /// Where it is in its life.
    pub state: InstanceState,
    /// Process id of the first process on the host, while it runs.
    pub pid: Option<u32>,
    /// Whether it goes when it ends.
    pub remove_on_exit: bool,
    /// When it was created.
    pub created: Timestamp,
    /// When its first process started.
    pub started: Option<Timestamp>,
    /// When its first process ended.
    pub finished: Option<Timestamp>,
}
