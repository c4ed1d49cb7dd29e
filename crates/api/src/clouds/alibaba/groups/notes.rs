//! What is kept of a group in the cloud's words beside its record.

use std::collections::BTreeMap;

use clouds::alibaba::request::{Container, CreateContainerGroup, ResourceId, VolumeSource};
use clouds::alibaba::{ErrorCode, Refusal};
use model::{Cloud, CloudNotes, Tags};
use serde::{Deserialize, Serialize};

/// What is kept of a group beside its record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct GroupNotes {
    pub(super) region: Option<String>,
    pub(super) resource_group: Option<String>,
    pub(super) zone: Option<String>,
    pub(super) vswitch: Option<String>,
    pub(super) security_group: Option<String>,
    pub(super) instance_type: Option<String>,
    pub(super) cpu: Option<f64>,
    pub(super) memory_gib: Option<f64>,
    pub(super) extra_storage_gib: u32,
    pub(super) tags: Tags,
    pub(super) init_containers: Vec<ContainerNotes>,
    pub(super) containers: Vec<ContainerNotes>,
    /// How much each volume may hold, as it was written.
    pub(super) size_limits: Vec<Option<String>>,
    /// What is recorded alone, by the cloud's names.
    pub(super) parameters: BTreeMap<String, String>,
}

/// What is kept of a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ContainerNotes {
    pub(super) image: String,
    pub(super) pull_policy: Option<String>,
    pub(super) cpu: Option<f64>,
    pub(super) memory_gib: Option<f64>,
    pub(super) ports: Vec<(u16, String)>,
    pub(super) hides_environment: bool,
    pub(super) stdin: bool,
    pub(super) stdin_once: bool,
    pub(super) tty: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) parameters: BTreeMap<String, String>,
}

impl GroupNotes {
    pub(super) fn of(notes: Option<&CloudNotes>) -> Option<Self> {
        let notes = notes.filter(|notes| notes.cloud() == Cloud::Alibaba)?;
        serde_json::from_str(notes.document()).ok()
    }

    pub(super) fn to_notes(&self) -> Result<CloudNotes, Refusal> {
        let text = serde_json::to_string(self).expect("texts, numbers and lists alone");
        let notes = CloudNotes::new(Cloud::Alibaba, text).map_err(|_| {
            let message =
                format!("The parameters that are kept are longer than {} bytes.", CloudNotes::MOST_BYTES);
            Refusal::new(ErrorCode::InvalidParameterLengthExceeded).saying(&message)
        })?;
        let region = self.region.clone().map(|region| (Cloud::Alibaba.region_label(), region));
        notes.with_labels(region.into_iter().collect()).map_err(|_| Refusal::invalid("RegionId"))
    }

    pub(super) fn of_request(create: &CreateContainerGroup) -> Self {
        let text = |id: &Option<ResourceId>| id.as_ref().map(ToString::to_string);
        let sum = |of: fn(&Container) -> Option<f64>| {
            let all: Vec<f64> = create.containers.iter().filter_map(of).collect();
            (!all.is_empty()).then(|| all.iter().sum())
        };
        let limit = |source: &VolumeSource| match source {
            VolumeSource::EmptyDir { size_limit, .. } => size_limit.clone(),
            _ => None,
        };
        Self {
            region: Some(create.region.to_string()),
            resource_group: text(&create.resource_group_id),
            zone: text(&create.network.zone_id),
            vswitch: create.network.vswitch_ids.iter().flatten().next().map(ToString::to_string),
            security_group: text(&create.network.security_group_id),
            instance_type: create.instance_type.clone(),
            cpu: create.cpu.or_else(|| sum(|container| container.cpu)),
            memory_gib: create.memory_gib.or_else(|| sum(|container| container.memory_gib)),
            extra_storage_gib: create.extra_storage_gib,
            tags: create.tags.clone().unwrap_or_default(),
            init_containers: create.init_containers.iter().map(ContainerNotes::of).collect(),
            containers: create.containers.iter().map(ContainerNotes::of).collect(),
            size_limits: create.volumes.iter().map(|volume| limit(&volume.source)).collect(),
            parameters: parameters(create),
        }
    }
}

fn parameters(create: &CreateContainerGroup) -> BTreeMap<String, String> {
    let text = |id: &Option<ResourceId>| id.as_ref().map(ToString::to_string);
    let servers: Vec<String> = create.ntp_servers.iter().map(ToString::to_string).collect();
    let address = &create.public_address;
    let further = create.further.recorded.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    [
        ("EipInstanceId", text(&create.network.eip_instance_id)),
        ("AutoCreateEip", address.create.then(|| "true".to_owned())),
        ("EipBandwidth", address.bandwidth_mbit.map(|mbit| mbit.to_string())),
        ("EipISP", text(&address.line)),
        ("EipCommonBandwidthPackage", text(&address.bandwidth_package)),
        ("NtpServer", Some(servers.join(",")).filter(|servers| !servers.is_empty())),
        ("ImageAccelerateMode", create.accelerate.map(|mode| mode.to_string())),
        ("MaxPendingMinute", create.most_pending_minutes.map(|minutes| minutes.to_string())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .chain(further)
    .collect()
}

impl ContainerNotes {
    fn of(container: &Container) -> Self {
        let parameters = [
            ("TerminationMessagePath", container.termination_message_path.clone()),
            ("TerminationMessagePolicy", container.termination_message_policy.clone()),
        ];
        Self {
            image: container.image.text.clone(),
            pull_policy: container.pull_policy.map(|policy| policy.to_string()),
            cpu: container.cpu,
            memory_gib: container.memory_gib,
            ports: container.ports.iter().map(|port| (port.port, port.protocol.to_string())).collect(),
            hides_environment: container.hide_environment,
            stdin: container.stdin,
            stdin_once: container.stdin_once,
            tty: container.tty,
            parameters: parameters
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_of_a_group_is_known_without_its_notes() {
        let notes = GroupNotes { region: Some("cn-hangzhou".to_owned()), ..GroupNotes::default() };
        let kept = notes.to_notes().unwrap();
        assert_eq!(kept.region(), Some("cn-hangzhou"));
        assert_eq!(GroupNotes::of(Some(&kept)), Some(notes));
        assert_eq!(GroupNotes::default().to_notes().unwrap().region(), None);
    }
}
