//! How a group and its containers are, in the cloud's words.

use clouds::alibaba::answer::{ContainerPhase, ContainerState, PodContainerState};
use clouds::alibaba::request::GroupStatus;
use model::{ContainerState as Known, ContainerStatus, ExitStatus, GroupPhase, Run};

use super::Group;
use crate::clouds::alibaba::ids;

/// Where a group is in its life.
pub(super) fn status(group: &Group) -> GroupStatus {
    match group.view.group.status.phase {
        GroupPhase::Scheduling => GroupStatus::Scheduling,
        GroupPhase::Pending => GroupStatus::Pending,
        GroupPhase::Running => GroupStatus::Running,
        GroupPhase::Succeeded => GroupStatus::Succeeded,
        GroupPhase::Failed => GroupStatus::Failed,
        GroupPhase::ScheduleFailed => GroupStatus::ScheduleFailed,
    }
}

/// What it ended with: the code, and the signal.
fn ended(status: ExitStatus) -> (i32, Option<i32>) {
    let signal = match status {
        ExitStatus::Signal(signal) => Some(i32::from(signal)),
        ExitStatus::Code(_) | ExitStatus::Unknown => None,
    };
    (i32::from(status.as_exit_code()), signal)
}

fn reason(run: &Run) -> &'static str {
    match run {
        Run { started: None, .. } => "ContainerCannotRun",
        run if run.is_good() => "Completed",
        _ => "Error",
    }
}

/// Why a container does not run yet: a word, and the particulars.
fn waiting(group: &Group, is_init: bool, state: &Known) -> (&'static str, Option<String>) {
    let status = &group.view.group.status;
    match (state, &status.images) {
        (Known::BackOff { until }, _) => {
            ("CrashLoopBackOff", Some(format!("the container starts again at {until}")))
        }
        _ if status.phase == GroupPhase::ScheduleFailed => {
            ("StartFailed", status.message.as_deref().map(ids::sentence))
        }
        (_, Some(failure)) => ("ImagePullBackOff", Some(ids::sentence(&failure.message))),
        _ if !is_init && !status.init_containers.iter().all(ContainerStatus::is_done) => {
            ("PodInitializing", None)
        }
        _ => ("ContainerCreating", None),
    }
}

/// How a container is now.
pub(super) fn current(group: &Group, is_init: bool, container: &ContainerStatus) -> ContainerState {
    match &container.state {
        Known::Running(attempt) => {
            ContainerState { start_time: Some(attempt.since), ..state(ContainerPhase::Running, None) }
        }
        Known::Ended(run) => terminated(run),
        other => {
            let (reason, message) = waiting(group, is_init, other);
            ContainerState { message, ..state(ContainerPhase::Waiting, Some(reason)) }
        }
    }
}

/// How a run of it ended.
pub(super) fn terminated(run: &Run) -> ContainerState {
    let (code, signal) = ended(run.status);
    ContainerState {
        message: run.message.clone(),
        exit_code: Some(code),
        signal,
        start_time: run.started,
        finish_time: Some(run.finished),
        ..state(ContainerPhase::Terminated, Some(reason(run)))
    }
}

fn state(phase: ContainerPhase, reason: Option<&str>) -> ContainerState {
    ContainerState {
        state: phase,
        detail_status: reason.map(str::to_owned),
        reason: reason.map(str::to_owned),
        message: None,
        exit_code: None,
        signal: None,
        start_time: None,
        finish_time: None,
    }
}

/// The same in the words of pods.
pub(super) fn pod_current(group: &Group, is_init: bool, container: &ContainerStatus) -> PodContainerState {
    match &container.state {
        Known::Running(attempt) => PodContainerState::Running { started: attempt.since },
        Known::Ended(run) => pod_terminated(run),
        other => {
            let (reason, message) = waiting(group, is_init, other);
            PodContainerState::Waiting { reason: Some(reason.to_owned()), message }
        }
    }
}

pub(super) fn pod_terminated(run: &Run) -> PodContainerState {
    let (exit_code, signal) = ended(run.status);
    PodContainerState::Terminated {
        container_id: Some(run.instance.to_string()),
        exit_code,
        signal,
        reason: Some(reason(run).to_owned()),
        message: run.message.clone(),
        started: run.started,
        finished: Some(run.finished),
    }
}

/// Whether a container runs.
pub(super) fn runs(container: &ContainerStatus) -> bool {
    matches!(container.state, Known::Running(_))
}
