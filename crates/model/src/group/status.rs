//! How far a group is: what is recorded of it beside its wish.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{ByteSize, CacheId, ExitStatus, GroupSpec, ImageSnapshotId, InstanceId, Timestamp};

use super::ContainerPlace;

/// Where a group is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GroupPhase {
    /// Its images are being chosen and fetched.
    #[default]
    Scheduling,
    /// Its images are there; not all of its init containers have ended.
    Pending,
    /// Its containers run, or are started again.
    Running,
    /// All its containers have ended well.
    Succeeded,
    /// All have ended, and one badly.
    Failed,
    /// It cannot start.
    ScheduleFailed,
}

impl GroupPhase {
    /// Whether nothing more happens to it.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::ScheduleFailed)
    }
}

/// What a group's containers start from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupChoice {
    /// The snapshot, which the group holds while it exists.
    pub snapshot: ImageSnapshotId,
    /// The cache that it was found by.
    pub cache: Option<CacheId>,
    /// How much each container may write.
    pub size_limit: ByteSize,
}

/// The images of a group could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagesFailure {
    /// Why, for people.
    pub message: String,
    /// How often so far.
    pub tries: u32,
    /// When they are asked for again.
    pub next: Timestamp,
}

/// Somebody wants the group gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleting {
    /// Since when.
    pub since: Timestamp,
    /// Whether its containers are killed at once.
    pub force: bool,
}

/// How far a group is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupStatus {
    /// Where it is in its life.
    pub phase: GroupPhase,
    /// Why it is there, in one word.
    pub reason: Option<String>,
    /// The particulars, for people.
    pub message: Option<String>,
    /// What its containers start from.
    pub choice: Option<GroupChoice>,
    /// Why that is not known yet.
    pub images: Option<ImagesFailure>,
    /// Init containers, as in the wish.
    pub init_containers: Vec<ContainerStatus>,
    /// Containers, as in the wish.
    pub containers: Vec<ContainerStatus>,
    /// When its first container was to start.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// By which address its containers are reached: known once the first of them is to start, and the same from then on.
    pub address: Option<IpAddr>,
    /// Whether it is to go.
    pub deleting: Option<Deleting>,
}

/// How a container of a group is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerStatus {
    /// How it is.
    pub state: ContainerState,
    /// How its run before the present one, or before the one that comes next, ended.
    pub last: Option<Run>,
    /// How often it was started again.
    pub restarts: u32,
    /// How often in a row without running for long: the next wait follows from it.
    pub delays: u32,
}

/// An instance that is to be a container of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The instance.
    pub instance: InstanceId,
    /// Since when, by the group; the start itself, once that is known.
    pub since: Timestamp,
}

/// How a container of a group is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerState {
    /// It has not started yet.
    #[default]
    Waiting,
    /// It has ended, and starts again then.
    BackOff {
        /// When.
        until: Timestamp,
    },
    /// It is being started.
    Starting(Attempt),
    /// It runs.
    Running(Attempt),
    /// It has ended and does not start again.
    Ended(Run),
}

/// One run of a container, from its start to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The instance.
    pub instance: InstanceId,
    /// How it ended.
    pub status: ExitStatus,
    /// When it started; `None` where it could not.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Timestamp,
    /// Why it could not start, for people.
    pub message: Option<String>,
}

impl Run {
    /// Whether it did what it was to do.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.status == ExitStatus::Code(0)
    }
}

impl GroupStatus {
    /// Of a group that was just asked for.
    #[must_use]
    pub fn of(spec: &GroupSpec) -> Self {
        Self {
            init_containers: vec![ContainerStatus::default(); spec.init_containers.len()],
            containers: vec![ContainerStatus::default(); spec.containers.len()],
            ..Self::default()
        }
    }

    /// The container at that place.
    #[must_use]
    pub fn container(&self, place: ContainerPlace) -> Option<&ContainerStatus> {
        match place {
            ContainerPlace::Init(index) => self.init_containers.get(index),
            ContainerPlace::Main(index) => self.containers.get(index),
        }
    }

    /// The same, to be changed.
    pub fn container_mut(&mut self, place: ContainerPlace) -> Option<&mut ContainerStatus> {
        match place {
            ContainerPlace::Init(index) => self.init_containers.get_mut(index),
            ContainerPlace::Main(index) => self.containers.get_mut(index),
        }
    }

    /// Init containers, then the others.
    pub fn all(&self) -> impl Iterator<Item = &ContainerStatus> {
        self.init_containers.iter().chain(&self.containers)
    }
}

impl ContainerStatus {
    /// The instance that it is now, or was at its end.
    #[must_use]
    pub fn instance(&self) -> Option<InstanceId> {
        match &self.state {
            ContainerState::Starting(attempt) | ContainerState::Running(attempt) => Some(attempt.instance),
            ContainerState::Ended(run) => Some(run.instance),
            ContainerState::Waiting | ContainerState::BackOff { .. } => None,
        }
    }

    /// Whether it has ended well and stays so.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(&self.state, ContainerState::Ended(run) if run.is_good())
    }
}
