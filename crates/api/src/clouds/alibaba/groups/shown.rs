//! A group in the cloud's words.

use clouds::alibaba::answer::{
    CacheEvent, ContainerGroup, ContainerPhase, ContainerState, ContainerStatus, EnvironmentVar,
    GroupContainer, PodCondition, PodContainerState, PodStatus, PrintedPort, ShownContainer, StatusOfGroup,
};
use clouds::alibaba::request::{
    ContainerPort, EnvironmentVariable, GroupStatus, RestartPolicy, VariableSource,
};
use model::{ExitStatus, InstanceState, Timestamp};

use super::Group;
use crate::clouds::alibaba::ids;

/// The namespace and the size of what says nothing of its own.
pub(super) const NAMESPACE: &str = "default";
const DEFAULT_CPU: f64 = 2.0;
const DEFAULT_MEMORY_GIB: f64 = 4.0;

/// Where a group is in its life.
pub(super) fn status(group: &Group) -> GroupStatus {
    match (&group.instance, &group.failure) {
        (_, Some(_)) => GroupStatus::ScheduleFailed,
        (None, None) => GroupStatus::Pending,
        (Some(instance), None) => match instance.state {
            InstanceState::Creating => GroupStatus::Pending,
            InstanceState::Running => GroupStatus::Running,
            InstanceState::Exited(ExitStatus::Code(0)) => GroupStatus::Succeeded,
            InstanceState::Exited(_) => GroupStatus::Failed,
        },
    }
}

/// When it changed last.
pub(super) fn changed(group: &Group) -> Timestamp {
    let instance = group.instance.as_ref();
    let last = instance.and_then(|instance| instance.finished.or(instance.started));
    last.or(group.failure.as_ref().map(|(_, at)| *at)).unwrap_or(group.created)
}

/// As it is described.
pub(super) fn group(group: &Group, region: &str, events: &[CacheEvent]) -> ContainerGroup {
    let notes = &group.notes;
    let (status, finished) = (status(group), group.instance.as_ref().and_then(|instance| instance.finished));
    ContainerGroup {
        container_group_id: ids::group(group.id),
        container_group_name: notes.name.clone(),
        region_id: region.to_owned(),
        zone_id: notes.zone.clone(),
        vpc_id: None,
        vswitch_id: notes.vswitch.clone(),
        security_group_id: notes.security_group.clone(),
        resource_group_id: notes.resource_group.clone(),
        instance_type: notes.instance_type.clone(),
        status,
        restart_policy: notes.restart_policy.parse().unwrap_or(RestartPolicy::Always),
        cpu: notes.cpu.unwrap_or(DEFAULT_CPU),
        memory: notes.memory_gib.unwrap_or(DEFAULT_MEMORY_GIB),
        ephemeral_storage: notes.extra_storage_gib,
        spot_strategy: Some("NoSpot".to_owned()),
        dns_policy: None,
        intranet_ip: None,
        internet_ip: None,
        ipv6_address: None,
        eni_instance_id: None,
        creation_time: group.created,
        succeeded_time: finished.filter(|_| status == GroupStatus::Succeeded),
        failed_time: finished.filter(|_| status == GroupStatus::Failed),
        expired_time: None,
        tags: notes.tags.clone(),
        events: events.to_vec(),
        containers: vec![container(group)],
        init_containers: Vec::new(),
        volumes: Vec::new(),
        host_aliases: Vec::new(),
        dns_config: None,
        eci_security_context: None,
    }
}

fn container(group: &Group) -> GroupContainer {
    let notes = &group.notes.container;
    let port = |(port, protocol): &(u16, String)| {
        Some(PrintedPort::from(&ContainerPort { port: *port, protocol: protocol.parse().ok()? }))
    };
    let variable = |(key, value): &(String, String)| {
        let value = VariableSource::Value(value.parse().ok()?);
        Some(EnvironmentVar::from(&EnvironmentVariable { key: key.clone(), value }))
    };
    let shown = ShownContainer {
        name: notes.name.clone(),
        image: notes.image.clone(),
        image_pull_policy: notes.pull_policy.as_ref().and_then(|policy| policy.parse().ok()),
        cpu: group.notes.cpu.unwrap_or(DEFAULT_CPU),
        memory: group.notes.memory_gib.unwrap_or(DEFAULT_MEMORY_GIB),
        gpu: None,
        working_dir: notes.working_dir.clone(),
        args: notes.arguments.clone(),
        ports: notes.ports.iter().filter_map(port).collect(),
        environment_vars: notes.environment.iter().filter_map(variable).collect(),
        volume_mounts: Vec::new(),
        ready: status(group) == GroupStatus::Running,
        restart_count: 0,
        current_state: Some(state(group)),
        previous_state: None,
        security_context: None,
    };
    GroupContainer {
        shown,
        commands: notes.commands.clone(),
        liveness_probe: None,
        readiness_probe: None,
        stdin: notes.stdin,
        stdin_once: notes.stdin_once,
        tty: notes.tty,
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

fn reason(status: ExitStatus) -> String {
    if status == ExitStatus::Code(0) { "Completed".to_owned() } else { "Error".to_owned() }
}

fn state(group: &Group) -> ContainerState {
    let instance = group.instance.as_ref();
    let mut state = ContainerState {
        state: ContainerPhase::Waiting,
        detail_status: None,
        reason: None,
        message: None,
        exit_code: None,
        signal: None,
        start_time: instance.and_then(|instance| instance.started),
        finish_time: instance.and_then(|instance| instance.finished),
    };
    match (instance.map(|instance| instance.state), &group.failure) {
        (_, Some((why, _))) => {
            (state.reason, state.message) = (Some("StartFailed".to_owned()), Some(why.clone()));
        }
        (Some(InstanceState::Running), _) => state.state = ContainerPhase::Running,
        (Some(InstanceState::Exited(status)), _) => {
            let (code, signal) = ended(status);
            (state.state, state.exit_code, state.signal) = (ContainerPhase::Terminated, Some(code), signal);
            state.reason = Some(reason(status));
        }
        (Some(InstanceState::Creating) | None, None) => state.reason = Some("ContainerCreating".to_owned()),
    }
    state.detail_status = state.reason.clone();
    state
}

/// How it is in the words of pods.
pub(super) fn pod_status(group: &Group) -> StatusOfGroup {
    let status = status(group);
    let instance = group.instance.as_ref();
    let is_running = status == GroupStatus::Running;
    let condition = |kind: &str, is_so: bool| PodCondition {
        kind: kind.to_owned(),
        status: if is_so { "True" } else { "False" }.to_owned(),
        last_transition_time: changed(group),
        reason: None,
        message: None,
    };
    let phase = match status {
        GroupStatus::Running => "Running",
        GroupStatus::Succeeded => "Succeeded",
        GroupStatus::Failed | GroupStatus::ScheduleFailed => "Failed",
        _ => "Pending",
    };
    let container = ContainerStatus {
        name: group.notes.container.name.clone(),
        image: group.notes.container.image.clone(),
        image_id: instance.map(|instance| instance.manifest_digest.to_string()),
        ready: is_running,
        started: is_running,
        restart_count: 0,
        state: pod_state(group),
        last_state: None,
    };
    StatusOfGroup {
        container_group_id: ids::group(group.id),
        name: group.notes.name.clone(),
        namespace: NAMESPACE.to_owned(),
        status,
        uuid: ids::group(group.id),
        annotations: std::collections::BTreeMap::new(),
        pod_status: PodStatus {
            phase: phase.to_owned(),
            pod_ip: None,
            pod_ips: Vec::new(),
            host_ip: None,
            qos_class: None,
            start_time: instance.and_then(|instance| instance.started),
            conditions: vec![
                condition("PodScheduled", instance.is_some()),
                condition("Initialized", instance.is_some()),
                condition("ContainersReady", is_running),
                condition("Ready", is_running),
            ],
            container_statuses: vec![container],
        },
    }
}

fn pod_state(group: &Group) -> PodContainerState {
    let state = state(group);
    let instance = group.instance.as_ref();
    match instance.map(|instance| (instance, instance.state)) {
        Some((_, InstanceState::Running)) => {
            PodContainerState::Running { started: state.start_time.unwrap_or(group.created) }
        }
        Some((instance, InstanceState::Exited(status))) => PodContainerState::Terminated {
            container_id: Some(instance.id.to_string()),
            exit_code: ended(status).0,
            signal: ended(status).1,
            reason: state.reason,
            message: None,
            started: state.start_time,
            finished: state.finish_time,
        },
        _ => PodContainerState::Waiting { reason: state.reason, message: state.message },
    }
}
