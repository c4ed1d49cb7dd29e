//! A group's wish, from the cloud's words to ours.

use clouds::alibaba::Refusal;
use clouds::alibaba::request::{
    Capabilities, Container, CpuArchitecture, CreateContainerGroup, EmptyDirMedium, RestartPolicy,
    VariableSource, Volume, VolumeSource,
};
use model::matching::MatchPolicy;
use model::{
    ByteSize, CacheId, ContainerName, ContainerSpec, GroupMount, GroupNetwork, GroupSecrets, GroupSpec,
    GroupVolume, ImageSource, Platform, VolumeFile,
};

use crate::clouds::alibaba::registries;

/// The storage that every group has.
const FREE_GIB: u32 = 30;
const GIB: f64 = 1_073_741_824.0;
/// Permission bits of files of which nothing is said, and the patience of groups of which nothing is said. Source: Kubernetes.
const FILE_MODE: u32 = 0o644;
const GRACE_SECONDS: u64 = 30;

fn platform(architecture: CpuArchitecture) -> Platform {
    match architecture {
        CpuArchitecture::Amd64 => Platform::linux_amd64(),
        CpuArchitecture::Arm64 => Platform { arch: "arm64".to_owned(), ..Platform::linux_amd64() },
    }
}

/// As an instance takes a user: `uid` or `uid:gid`.
fn user(capabilities: &Capabilities) -> Option<String> {
    match (capabilities.user, capabilities.group) {
        (Some(user), Some(group)) => Some(format!("{user}:{group}")),
        (Some(user), None) => Some(user.to_string()),
        (None, Some(group)) => Some(format!("0:{group}")),
        (None, None) => None,
    }
}

/// A quantity as Kubernetes writes them: a whole number, with `Ki`, `Mi`, `Gi`, `Ti`, `k`, `M`, `G` or `T` behind it.
fn quantity(text: &str) -> Option<ByteSize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit {
        "" => 1,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        _ => return None,
    };
    let bytes = number.parse::<u64>().ok()?.checked_mul(unit)?;
    (bytes > 0).then(|| ByteSize::bytes(bytes))
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded by the parser, and not negative"
)]
fn limits(cpu: Option<f64>, memory_gib: Option<f64>) -> (Option<u32>, Option<ByteSize>) {
    let positive = |quantity: Option<f64>| quantity.filter(|quantity| *quantity > 0.0);
    let milli_cpus = positive(cpu).map(|cpus| ((cpus * 1000.0) as u32).max(10));
    (milli_cpus, positive(memory_gib).map(|gib| ByteSize::bytes((gib * GIB) as u64)))
}

/// The wish, and what of it only its containers may read.
pub(super) fn of(
    create: &CreateContainerGroup,
    cache: Option<CacheId>,
    network: GroupNetwork,
) -> Result<(GroupSpec, GroupSecrets), Refusal> {
    let mut secrets = GroupSecrets::default();
    let mut volumes = Vec::with_capacity(create.volumes.len());
    for (place, given) in create.volumes.iter().enumerate() {
        volumes.push(volume(place, given, &mut secrets)?);
    }
    let mut all = |given: &[Container]| -> Vec<ContainerSpec> {
        given.iter().map(|container| container_spec(create, container, &mut secrets)).collect()
    };
    let (init_containers, containers) = (all(&create.init_containers), all(&create.containers));
    let hostname = create.host_name.as_ref().map_or(create.name.as_str(), |name| name.as_str());
    let (milli_cpus, memory) = limits(create.cpu, create.memory_gib);
    let spec = GroupSpec {
        platform: platform(create.cpu_architecture),
        init_containers,
        containers,
        volumes,
        restart_policy: match create.restart_policy {
            RestartPolicy::Always => model::RestartPolicy::Always,
            RestartPolicy::OnFailure => model::RestartPolicy::OnFailure,
            RestartPolicy::Never => model::RestartPolicy::Never,
        },
        cache,
        match_cache: create.match_image_cache,
        policy: MatchPolicy::Alibaba,
        // A cache that is larger than the group's own storage cannot be its.
        space: (cache.is_none() && create.match_image_cache)
            .then(|| ByteSize::gib(u64::from(FREE_GIB + create.extra_storage_gib))),
        access: registries::spoken_to(&create.access),
        hostname: hostname.chars().take(63).collect::<String>().trim_end_matches(['-', '.']).to_owned(),
        network,
        deadline_seconds: create.active_deadline_seconds,
        grace_seconds: create.termination_grace_seconds.unwrap_or(GRACE_SECONDS),
        milli_cpus,
        memory,
    };
    spec.check().map_err(|error| {
        Refusal::new(clouds::alibaba::ErrorCode::InvalidParameter).saying(&error.to_string())
    })?;
    Ok((spec, secrets))
}

fn container_spec(
    create: &CreateContainerGroup,
    container: &Container,
    secrets: &mut GroupSecrets,
) -> ContainerSpec {
    let name: ContainerName = container.name.parse().expect("the parser takes labels alone");
    let value = |source: &VariableSource| match source {
        VariableSource::Value(secret) => secret.expose().to_owned(),
        // What stands in its place is known once the container starts.
        VariableSource::PodIp => String::new(),
    };
    let variables = container.environment.iter();
    secrets.environment.insert(
        name.clone(),
        variables.map(|variable| (variable.key.clone(), value(&variable.value))).collect(),
    );
    let variables = container.environment.iter().enumerate();
    let of_address = variables.filter(|(_, variable)| variable.value == VariableSource::PodIp);
    let place = |wanted: &str| create.volumes.iter().position(|volume| volume.name == wanted);
    let mounts = container.mounts.iter().map(|mount| GroupMount {
        volume: place(&mount.volume).unwrap_or(usize::MAX),
        path: mount.path.clone().into(),
        sub_path: mount.sub_path.as_deref().filter(|path| !path.is_empty()).map(Into::into),
        read_only: mount.read_only,
    });
    let (milli_cpus, memory) = limits(container.cpu, container.memory_gib);
    ContainerSpec {
        name,
        image: ImageSource::Registry(container.image.reference.clone()),
        entrypoint: (!container.command.is_empty()).then(|| container.command.clone()),
        command: container.arguments.clone(),
        address_variables: of_address.map(|(place, _)| place).collect(),
        working_dir: container.working_dir.clone(),
        user: user(&container.capabilities),
        milli_cpus,
        memory,
        mounts: mounts.collect(),
    }
}

fn volume(place: usize, given: &Volume, secrets: &mut GroupSecrets) -> Result<GroupVolume, Refusal> {
    let number = place + 1;
    let source = match &given.source {
        VolumeSource::EmptyDir { medium, size_limit } => {
            let limit =
                match size_limit {
                    None => None,
                    Some(text) => Some(quantity(text).ok_or_else(|| {
                        Refusal::invalid(&format!("Volume.{number}.EmptyDirVolume.SizeLimit"))
                    })?),
                };
            match medium {
                Some(EmptyDirMedium::Memory) => model::VolumeSource::Memory { limit },
                None => model::VolumeSource::Directory { limit },
            }
        }
        VolumeSource::ConfigFiles { default_mode, files } => {
            let contents = files.iter().map(|file| file.content.expose().to_vec()).collect();
            secrets.files.insert(place, contents);
            let file = |file: &clouds::alibaba::request::ConfigFile| VolumeFile {
                path: file.path.clone().into(),
                mode: file.mode.or(*default_mode).unwrap_or(FILE_MODE),
            };
            model::VolumeSource::Files { files: files.iter().map(file).collect() }
        }
        // Refused before.
        _ => return Err(Refusal::invalid(&format!("Volume.{number}.Type"))),
    };
    Ok(GroupVolume { name: given.name.clone(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_those_of_kubernetes() {
        for (text, bytes) in [("1", 1), ("256Mi", 256 << 20), ("1Gi", 1 << 30), ("2G", 2_000_000_000)] {
            assert_eq!(quantity(text), Some(ByteSize::bytes(bytes)), "{text}");
        }
        for text in ["", "0", "Mi", "-1", "1.5Gi", "1 Gi", "1mi", "99999999999Ti"] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }
}
