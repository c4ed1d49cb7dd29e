//! What of a group its containers cannot do: said by name, rather than run as if it had not been asked for.

use clouds::alibaba::request::{
    Container, CreateContainerGroup, DnsPolicy, OsType, VolumeMount, VolumeSource,
};
use clouds::alibaba::{ErrorCode, Refusal};

/// The propagation that every mount has.
const NO_PROPAGATION: &str = "None";

/// The first parameter that would be needed and is not supported.
fn unsupported(create: &CreateContainerGroup) -> Option<String> {
    let dns = &create.dns;
    let has_dns = dns.policy == Some(DnsPolicy::None)
        || !dns.name_servers.is_empty()
        || !dns.searches.is_empty()
        || !dns.options.is_empty();
    let of_group = [
        (!create.host_aliases.is_empty(), "HostAliase"),
        (has_dns, "DnsConfig"),
        (create.os_type == OsType::Windows, "OsType"),
    ];
    let of_group = of_group.into_iter().find_map(|(is_needed, name)| is_needed.then(|| name.to_owned()));
    of_group.or_else(|| of_volumes(create)).or_else(|| {
        let of = |kind: &'static str, containers: &[Container]| {
            let mut numbered = (1..).zip(containers);
            numbered.find_map(|(number, one)| Some(format!("{kind}.{number}.{}", of_container(one)?)))
        };
        of("Container", &create.containers).or_else(|| of("InitContainer", &create.init_containers))
    })
}

fn of_volumes(create: &CreateContainerGroup) -> Option<String> {
    (1..).zip(&create.volumes).find_map(|(number, volume)| {
        let kind = match volume.source {
            VolumeSource::EmptyDir { .. } | VolumeSource::ConfigFiles { .. } => return None,
            VolumeSource::Nfs { .. } => "NFSVolume",
            VolumeSource::Disk { .. } => "DiskVolume",
            VolumeSource::Flex { .. } => "FlexVolume",
            VolumeSource::HostPath { .. } => "HostPathVolume",
        };
        Some(format!("Volume.{number}.{kind}"))
    })
}

fn of_container(container: &Container) -> Option<&'static str> {
    let capabilities = &container.capabilities;
    let propagates =
        |mount: &VolumeMount| mount.propagation.as_deref().is_some_and(|word| word != NO_PROPAGATION);
    [
        (container.gpu.is_some_and(|gpus| gpus > 0), "Gpu"),
        (container.liveness.is_some(), "LivenessProbe"),
        (container.readiness.is_some(), "ReadinessProbe"),
        (container.lifecycle.post_start.is_some(), "LifecyclePostStartHandler"),
        (container.lifecycle.pre_stop.is_some(), "LifecyclePreStopHandler"),
        (!capabilities.added.is_empty(), "SecurityContext.Capability"),
        (capabilities.read_only_root, "SecurityContext.ReadOnlyRootFilesystem"),
        (capabilities.privileged, "SecurityContextPrivileged"),
        (capabilities.not_root, "SecurityContextRunAsNonRoot"),
        (container.mounts.iter().any(propagates), "VolumeMount.1.MountPropagation"),
    ]
    .into_iter()
    .find_map(|(is_needed, name)| is_needed.then_some(name))
}

/// Whether its containers can be all of the group.
pub(super) fn check(create: &CreateContainerGroup) -> Result<(), Refusal> {
    match unsupported(create) {
        None => Ok(()),
        Some(name) => {
            let message = format!("The specified parameter \"{name}\" is not supported.");
            Err(Refusal::new(ErrorCode::UnsupportedParameter).saying(&message))
        }
    }
}
