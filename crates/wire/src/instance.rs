//! An instance, as it is told.

use model::{
    ByteSize, CacheId, CacheName, ImageSnapshotId, ImageSource, InstanceId, InstanceName, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Ended;

/// A container started from an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Instance {
    /// Its id.
    #[schema(value_type = String, example = "ins-0192f0c1e0f07d3a8b1c2d3e4f506172")]
    pub id: InstanceId,
    /// Its name.
    #[schema(value_type = String, example = "web-1")]
    pub name: InstanceName,
    /// Who owns it.
    pub account: String,
    /// The image that it was started from.
    #[schema(value_type = String)]
    pub image: ImageSource,
    /// The manifest that it was started from.
    pub manifest_digest: String,
    /// The image snapshot that it holds.
    #[schema(value_type = String)]
    pub snapshot: ImageSnapshotId,
    /// The cache that it was started from.
    #[schema(value_type = Option<String>)]
    pub cache: Option<CacheId>,
    /// What it runs.
    pub command: Vec<String>,
    /// Where it is in its life.
    pub state: InstanceState,
    /// How it ended, where it has.
    pub ended: Option<Ended>,
    /// Process id of its first process on the machine, while it runs.
    pub pid: Option<u32>,
    /// Whether it is deleted when it ends.
    pub remove_on_exit: bool,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When its first process started.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started: Option<Timestamp>,
    /// When its first process ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished: Option<Timestamp>,
}

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum InstanceState {
    /// Its mounts and its process are being made.
    Creating,
    /// Its first process runs.
    Running,
    /// Its first process ended, or never came to run.
    Exited,
}

/// An instance that was just started, and what from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedInstance {
    /// The instance.
    #[serde(flatten)]
    pub instance: Instance,
    /// What it was started from.
    pub choice: Choice,
    /// What is not as it was asked for, in sentences.
    pub warnings: Vec<String>,
}

/// What an instance was started from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Choice {
    /// How much of what was wanted was in a cache.
    pub outcome: Outcome,
    /// The cache.
    #[schema(value_type = Option<String>)]
    pub cache: Option<CacheId>,
    /// Its name.
    #[schema(value_type = Option<String>)]
    pub cache_name: Option<CacheName>,
    /// The cache that is made since none had everything.
    #[schema(value_type = Option<String>)]
    pub auto_created: Option<CacheId>,
    /// Its name.
    #[schema(value_type = Option<String>)]
    pub auto_created_name: Option<CacheName>,
    /// Bytes as served that were fetched for it.
    #[schema(value_type = u64)]
    pub fetched_bytes: ByteSize,
    /// Why that one, for people.
    pub reason: String,
}

/// How much of what a start wanted was in a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All of it.
    Hit,
    /// Some of it; the rest was fetched.
    Partial,
    /// Nothing.
    Miss,
}

impl Outcome {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Partial => "partial",
            Self::Miss => "miss",
        }
    }
}

/// One page of instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InstanceList {
    /// The instances.
    pub items: Vec<Instance>,
    /// Those that could not be looked after; what is told of them may be old.
    pub unsettled: Vec<Unsettled>,
    /// The page token of the next page; null on the last one.
    pub next: Option<String>,
}

/// An instance that could not be looked after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unsettled {
    /// Its id.
    #[schema(value_type = String)]
    pub id: InstanceId,
    /// Why, for people.
    pub message: String,
}

impl Instance {
    /// Where it is in its life, with how it ended.
    #[must_use]
    pub fn life(&self) -> model::InstanceState {
        match self.state {
            InstanceState::Creating => model::InstanceState::Creating,
            InstanceState::Running => model::InstanceState::Running,
            InstanceState::Exited => model::InstanceState::Exited(self.ended.unwrap_or_default().into()),
        }
    }
}

impl From<&model::Instance> for Instance {
    fn from(instance: &model::Instance) -> Self {
        let (state, ended) = match instance.state {
            model::InstanceState::Creating => (InstanceState::Creating, None),
            model::InstanceState::Running => (InstanceState::Running, None),
            model::InstanceState::Exited(status) => (InstanceState::Exited, Some(status.into())),
        };
        Self {
            id: instance.id,
            name: instance.name.clone(),
            account: instance.account.to_string(),
            image: instance.image.clone(),
            manifest_digest: instance.manifest_digest.to_string(),
            snapshot: instance.snapshot,
            cache: instance.cache,
            command: instance.command.clone(),
            state,
            ended,
            pid: instance.pid,
            remove_on_exit: instance.remove_on_exit,
            created: instance.created,
            started: instance.started,
            finished: instance.finished,
        }
    }
}
