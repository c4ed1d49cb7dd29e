//! A group in the cloud's words.

use clouds::alibaba::answer::{
    CacheEvent, ContainerGroup, ContainerStatus as PodContainer, EnvironmentVar, GroupContainer,
    InitContainer, PodCondition, PodIp, PodStatus, PrintedMount, PrintedPort, PrintedVolume, ShownContainer,
    StatusOfGroup,
};
use clouds::alibaba::request::{
    ConfigFile, ContainerPort, EmptyDirMedium, EnvironmentVariable, FileContent, GroupStatus, RestartPolicy,
    VariableSource, Volume, VolumeMount, VolumeSource,
};
use model::{ContainerPlace, ContainerSpec, ContainerStatus, GroupMount, GroupSecrets, GroupVolume};

use super::notes::ContainerNotes;
use super::{Group, states};
use crate::clouds::alibaba::ids;

/// The namespace and the size of what says nothing of its own.
pub(super) const NAMESPACE: &str = "default";
const DEFAULT_CPU: f64 = 2.0;
const DEFAULT_MEMORY_GIB: f64 = 4.0;

/// A container with all that is known of it.
#[derive(Clone, Copy)]
struct Member<'a> {
    is_init: bool,
    spec: &'a ContainerSpec,
    status: &'a ContainerStatus,
    notes: &'a ContainerNotes,
}

fn members(group: &Group) -> impl Iterator<Item = Member<'_>> {
    group.view.group.spec.all().filter_map(|(place, spec)| {
        let notes = match place {
            ContainerPlace::Init(index) => group.notes.init_containers.get(index),
            ContainerPlace::Main(index) => group.notes.containers.get(index),
        };
        let is_init = matches!(place, ContainerPlace::Init(_));
        let status = group.view.group.status.container(place);
        Some(Member { is_init, spec, status: status?, notes: notes? })
    })
}

/// Whether something of it is shown to its owner alone.
pub(super) fn has_secrets(group: &Group) -> bool {
    let has_files = |volume: &GroupVolume| matches!(volume.source, model::VolumeSource::Files { .. });
    members(group).any(|member| !member.notes.hides_environment)
        || group.view.group.spec.volumes.iter().any(has_files)
}

/// The container of that name, and which image it has, as it was given.
pub(super) fn images(group: &Group) -> Vec<(String, String)> {
    members(group).map(|member| (member.spec.name.to_string(), member.notes.image.clone())).collect()
}

/// As it is described.
pub(super) fn group(
    group: &Group,
    secrets: &GroupSecrets,
    region: &str,
    events: &[CacheEvent],
) -> ContainerGroup {
    let (notes, known) = (&group.notes, &group.view.group);
    let (status, ended) = (states::status(group), known.status.ended);
    let shown = |member: Member<'_>| container(group, member, secrets);
    ContainerGroup {
        container_group_id: ids::group(known.id),
        container_group_name: group.name.clone(),
        region_id: region.to_owned(),
        zone_id: notes.zone.clone(),
        vpc_id: None,
        vswitch_id: notes.vswitch.clone(),
        security_group_id: notes.security_group.clone(),
        resource_group_id: notes.resource_group.clone(),
        instance_type: notes.instance_type.clone(),
        status,
        restart_policy: match known.spec.restart_policy {
            model::RestartPolicy::Always => RestartPolicy::Always,
            model::RestartPolicy::OnFailure => RestartPolicy::OnFailure,
            model::RestartPolicy::Never => RestartPolicy::Never,
        },
        cpu: notes.cpu.unwrap_or(DEFAULT_CPU),
        memory: notes.memory_gib.unwrap_or(DEFAULT_MEMORY_GIB),
        ephemeral_storage: notes.extra_storage_gib,
        spot_strategy: Some("NoSpot".to_owned()),
        dns_policy: None,
        intranet_ip: address(group),
        internet_ip: None,
        ipv6_address: None,
        eni_instance_id: None,
        creation_time: known.created,
        succeeded_time: ended.filter(|_| status == GroupStatus::Succeeded),
        failed_time: ended.filter(|_| status == GroupStatus::Failed),
        expired_time: None,
        tags: notes.tags.clone(),
        events: events.to_vec(),
        containers: members(group).filter(|member| !member.is_init).map(shown).collect(),
        init_containers: members(group)
            .filter(|member| member.is_init)
            .map(|member| {
                let GroupContainer { shown, commands, .. } = shown(member);
                InitContainer { shown, command: commands }
            })
            .collect(),
        volumes: volumes(group, secrets),
        host_aliases: Vec::new(),
        dns_config: None,
        eci_security_context: None,
    }
}

/// By which it is reached, and its containers know it: the machine's, since it has no network besides.
fn address(group: &Group) -> Option<String> {
    group.view.group.status.address.map(|address| address.to_string())
}

fn volumes(group: &Group, secrets: &GroupSecrets) -> Vec<PrintedVolume> {
    let volumes = group.view.group.spec.volumes.iter().enumerate();
    let printed = volumes.map(|(place, volume)| {
        let size_limit = group.notes.size_limits.get(place).cloned().flatten();
        let source = match &volume.source {
            model::VolumeSource::Directory { .. } => VolumeSource::EmptyDir { medium: None, size_limit },
            model::VolumeSource::Memory { .. } => {
                VolumeSource::EmptyDir { medium: Some(EmptyDirMedium::Memory), size_limit }
            }
            model::VolumeSource::Files { files } => {
                let contents = secrets.files.get(&place).map(Vec::as_slice).unwrap_or_default();
                let file = |(index, file): (usize, &model::VolumeFile)| ConfigFile {
                    path: file.path.display().to_string(),
                    content: FileContent::of(contents.get(index).cloned().unwrap_or_default()),
                    mode: Some(file.mode),
                };
                let files = files.iter().enumerate().map(file).collect();
                VolumeSource::ConfigFiles { default_mode: None, files }
            }
        };
        PrintedVolume::from(&Volume { name: volume.name.clone(), source })
    });
    printed.collect()
}

fn container(group: &Group, member: Member<'_>, secrets: &GroupSecrets) -> GroupContainer {
    let Member { is_init, spec, status, notes } = member;
    let port = |(port, protocol): &(u16, String)| {
        Some(PrintedPort::from(&ContainerPort { port: *port, protocol: protocol.parse().ok()? }))
    };
    let variable = |(place, (key, value)): (usize, &(String, String))| {
        let value = match spec.address_variables.contains(&place) {
            true => VariableSource::PodIp,
            false => VariableSource::Value(value.parse().ok()?),
        };
        Some(EnvironmentVar::from(&EnvironmentVariable { key: key.clone(), value }))
    };
    let variables = secrets.environment.get(&spec.name).filter(|_| !notes.hides_environment);
    let shown = ShownContainer {
        name: spec.name.to_string(),
        image: notes.image.clone(),
        image_pull_policy: notes.pull_policy.as_ref().and_then(|policy| policy.parse().ok()),
        cpu: notes.cpu.or(group.notes.cpu).unwrap_or(DEFAULT_CPU),
        memory: notes.memory_gib.or(group.notes.memory_gib).unwrap_or(DEFAULT_MEMORY_GIB),
        gpu: None,
        working_dir: spec.working_dir.clone(),
        args: spec.command.clone(),
        ports: notes.ports.iter().filter_map(port).collect(),
        environment_vars: variables.into_iter().flatten().enumerate().filter_map(variable).collect(),
        volume_mounts: spec.mounts.iter().map(|mount| printed_mount(group, mount)).collect(),
        ready: if is_init { status.is_done() } else { states::runs(status) },
        restart_count: status.restarts,
        current_state: Some(states::current(group, is_init, status)),
        previous_state: status.last.as_ref().map(states::terminated),
        security_context: None,
    };
    GroupContainer {
        shown,
        commands: spec.entrypoint.clone().unwrap_or_default(),
        liveness_probe: None,
        readiness_probe: None,
        stdin: notes.stdin,
        stdin_once: notes.stdin_once,
        tty: notes.tty,
    }
}

fn printed_mount(group: &Group, mount: &GroupMount) -> PrintedMount {
    let volume = group.view.group.spec.volumes.get(mount.volume);
    PrintedMount::from(&VolumeMount {
        volume: volume.map(|volume| volume.name.clone()).unwrap_or_default(),
        path: mount.path.display().to_string(),
        sub_path: mount.sub_path.as_ref().map(|path| path.display().to_string()),
        read_only: mount.read_only,
        propagation: None,
    })
}

/// How it is in the words of pods.
pub(super) fn pod_status(group: &Group) -> StatusOfGroup {
    let known = &group.view.group;
    let status = states::status(group);
    let condition = |kind: &str, is_so: bool| PodCondition {
        kind: kind.to_owned(),
        status: if is_so { "True" } else { "False" }.to_owned(),
        last_transition_time: known.updated,
        reason: None,
        message: None,
    };
    let phase = match status {
        GroupStatus::Running => "Running",
        GroupStatus::Succeeded => "Succeeded",
        GroupStatus::Failed | GroupStatus::ScheduleFailed => "Failed",
        _ => "Pending",
    };
    let is_ready = known.status.containers.iter().all(states::runs);
    StatusOfGroup {
        container_group_id: ids::group(known.id),
        name: group.name.clone(),
        namespace: NAMESPACE.to_owned(),
        status,
        uuid: ids::group(known.id),
        annotations: std::collections::BTreeMap::new(),
        pod_status: PodStatus {
            phase: phase.to_owned(),
            pod_ip: address(group),
            pod_ips: address(group).into_iter().map(|ip| PodIp { ip }).collect(),
            host_ip: address(group),
            qos_class: None,
            start_time: known.status.started,
            conditions: vec![
                condition("PodScheduled", known.status.choice.is_some()),
                condition("Initialized", known.status.init_containers.iter().all(ContainerStatus::is_done)),
                condition("ContainersReady", is_ready),
                condition("Ready", is_ready),
            ],
            container_statuses: members(group)
                .filter(|member| !member.is_init)
                .map(|member| pod_container(group, member))
                .collect(),
        },
    }
}

fn pod_container(group: &Group, member: Member<'_>) -> PodContainer {
    let instance = member.status.instance();
    let instance = group.view.instances.iter().find(|one| Some(one.id) == instance);
    PodContainer {
        name: member.spec.name.to_string(),
        image: member.notes.image.clone(),
        image_id: instance.map(|one| one.manifest_digest.to_string()),
        ready: states::runs(member.status),
        started: states::runs(member.status),
        restart_count: member.status.restarts,
        state: states::pod_current(group, member.is_init, member.status),
        last_state: member.status.last.as_ref().map(states::pod_terminated),
    }
}
