//! What of a group an instance cannot do: said by name, rather than run as if it had not been asked for.

use clouds::alibaba::request::{Container, CreateContainerGroup, DnsPolicy, OsType, VariableSource};
use clouds::alibaba::{ErrorCode, Refusal};

/// The first parameter that would be needed and is not supported.
fn unsupported(create: &CreateContainerGroup) -> Option<&'static str> {
    let dns = &create.dns;
    let has_dns = dns.policy == Some(DnsPolicy::None)
        || !dns.name_servers.is_empty()
        || !dns.searches.is_empty()
        || !dns.options.is_empty();
    [
        (create.containers.len() > 1, "Container.2"),
        (!create.init_containers.is_empty(), "InitContainer"),
        (!create.volumes.is_empty(), "Volume"),
        (!create.host_aliases.is_empty(), "HostAliase"),
        (has_dns, "DnsConfig"),
        (create.os_type == OsType::Windows, "OsType"),
        (create.active_deadline_seconds.is_some(), "ActiveDeadlineSeconds"),
    ]
    .into_iter()
    .find_map(|(is_needed, name)| is_needed.then_some(name))
    .or_else(|| create.containers.iter().find_map(of_container))
}

fn of_container(container: &Container) -> Option<&'static str> {
    let capabilities = &container.capabilities;
    [
        (container.gpu.is_some_and(|gpus| gpus > 0), "Container.1.Gpu"),
        (container.liveness.is_some(), "Container.1.LivenessProbe"),
        (container.readiness.is_some(), "Container.1.ReadinessProbe"),
        (container.lifecycle.post_start.is_some(), "Container.1.LifecyclePostStartHandler"),
        (container.lifecycle.pre_stop.is_some(), "Container.1.LifecyclePreStopHandler"),
        (!capabilities.added.is_empty(), "Container.1.SecurityContext.Capability"),
        (capabilities.read_only_root, "Container.1.SecurityContext.ReadOnlyRootFilesystem"),
        (capabilities.privileged, "Container.1.SecurityContextPrivileged"),
        (capabilities.not_root, "Container.1.SecurityContextRunAsNonRoot"),
        (
            container.environment.iter().any(|variable| variable.value == VariableSource::PodIp),
            "Container.1.EnvironmentVar.1.FieldRef",
        ),
    ]
    .into_iter()
    .find_map(|(is_needed, name)| is_needed.then_some(name))
}

/// Whether an instance can be all of the group.
pub(super) fn check(create: &CreateContainerGroup) -> Result<(), Refusal> {
    match unsupported(create) {
        None => Ok(()),
        Some(name) => {
            let message = format!("The specified parameter \"{name}\" is not supported.");
            Err(Refusal::new(ErrorCode::UnsupportedParameter).saying(&message))
        }
    }
}
