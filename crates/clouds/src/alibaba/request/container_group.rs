//! Container groups: what an instance is in this cloud.

use std::collections::BTreeSet;

use model::Tags;

use super::access::RegistryAccess;
use super::container::{Container, VolumeMount};
use super::further::Further;
use super::network::{DnsConfig, HostAlias, NetworkPlace, PublicAddress};
use super::tags::{self, TagRules};
use super::text::{ClientToken, GroupName, RegionId, ResourceId};
use super::volume::Volume;
use super::words::{CpuArchitecture, ImageAccelerateMode, OperationName, OsType, RestartPolicy};
use crate::alibaba::error::{ErrorCode, Refusal};
use crate::alibaba::parameters::Fields;

/// The schema's limit of containers, of init containers and of volumes; the product's is 20 of each.
const MOST_MEMBERS: usize = 40;
const MOST_EXTRA_GIB: u32 = 5000;
const MOST_NTP_SERVERS: usize = 100;

/// Starts a group of containers.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateContainerGroup {
    /// `RegionId`
    pub region: RegionId,
    /// `ContainerGroupName`
    pub name: GroupName,
    /// `Container.N`: 1 to 40, with names of their own.
    pub containers: Vec<Container>,
    /// `InitContainer.N`: they end before the others start.
    pub init_containers: Vec<Container>,
    /// `Volume.N`
    pub volumes: Vec<Volume>,
    /// `ImageSnapshotId`: the id of the image cache to use.
    pub image_cache_id: Option<ResourceId>,
    /// `AutoMatchImageCache`: looks for an image cache, and has one made where none has all.
    pub match_image_cache: bool,
    /// `ImageAccelerateMode`
    pub accelerate: Option<ImageAccelerateMode>,
    /// `EphemeralStorage`: GiB beyond the free 30.
    pub extra_storage_gib: u32,
    /// How the images' registries are reached.
    pub access: RegistryAccess,
    /// `RestartPolicy`
    pub restart_policy: RestartPolicy,
    /// `Cpu` of the whole group.
    pub cpu: Option<f64>,
    /// `Memory` of the whole group, in GiB.
    pub memory_gib: Option<f64>,
    /// `InstanceType`
    pub instance_type: Option<String>,
    /// `ZoneId`, `VSwitchId`, `SecurityGroupId`, `EipInstanceId`
    pub network: NetworkPlace,
    /// `AutoCreateEip` and what goes with it.
    pub public_address: PublicAddress,
    /// `ResourceGroupId`
    pub resource_group_id: Option<ResourceId>,
    /// `HostAliase.N`
    pub host_aliases: Vec<HostAlias>,
    /// `HostName`
    pub host_name: Option<ResourceId>,
    /// `DnsPolicy`, `DnsConfig`
    pub dns: DnsConfig,
    /// `NtpServer.N`
    pub ntp_servers: Vec<ResourceId>,
    /// `ActiveDeadlineSeconds`: it ends after so long.
    pub active_deadline_seconds: Option<u64>,
    /// `TerminationGracePeriodSeconds`
    pub termination_grace_seconds: Option<u64>,
    /// `MaxPendingMinute`
    pub most_pending_minutes: Option<u32>,
    /// `OsType`
    pub os_type: OsType,
    /// `CpuArchitecture`
    pub cpu_architecture: CpuArchitecture,
    /// `Tag.N`: up to 20.
    pub tags: Option<Tags>,
    /// `DryRun`: everything is checked and nothing made; the answer to success is `DryRunOperation`.
    pub dry_run: bool,
    /// `ClientToken`
    pub client_token: Option<ClientToken>,
    /// What else was given.
    pub further: Further,
}

impl CreateContainerGroup {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let (region, name) = (fields.required("RegionId")?, fields.required("ContainerGroupName")?);
        let group = Self {
            region,
            name,
            containers: fields.objects("Container", MOST_MEMBERS, Container::read)?,
            init_containers: fields.objects("InitContainer", MOST_MEMBERS, Container::read_init)?,
            volumes: fields.objects("Volume", MOST_MEMBERS, Volume::read)?,
            image_cache_id: fields.parsed("ImageSnapshotId")?,
            match_image_cache: fields.flag("AutoMatchImageCache")?,
            accelerate: fields.parsed("ImageAccelerateMode")?,
            extra_storage_gib: fields.number("EphemeralStorage", 0..=MOST_EXTRA_GIB)?.unwrap_or(0),
            access: RegistryAccess::read(fields)?,
            restart_policy: fields.parsed("RestartPolicy")?.unwrap_or(RestartPolicy::Always),
            cpu: fields.quantity("Cpu")?,
            memory_gib: fields.quantity("Memory")?,
            instance_type: fields.parsed("InstanceType")?,
            network: NetworkPlace::read_with_zone(fields)?,
            public_address: PublicAddress::read(fields)?,
            resource_group_id: fields.parsed("ResourceGroupId")?,
            host_aliases: HostAlias::read_all(fields)?,
            host_name: fields.parsed("HostName")?,
            dns: DnsConfig::read(fields)?,
            ntp_servers: fields.list("NtpServer", MOST_NTP_SERVERS)?,
            active_deadline_seconds: fields.parsed("ActiveDeadlineSeconds")?,
            termination_grace_seconds: fields.parsed("TerminationGracePeriodSeconds")?,
            most_pending_minutes: fields.parsed("MaxPendingMinute")?,
            os_type: fields.parsed("OsType")?.unwrap_or(OsType::Linux),
            cpu_architecture: fields.parsed("CpuArchitecture")?.unwrap_or(CpuArchitecture::Amd64),
            tags: tags::read(fields, TagRules::GROUP)?,
            dry_run: fields.flag("DryRun")?,
            client_token: fields.parsed("ClientToken")?,
            further: Further::read(fields)?,
        };
        if group.containers.is_empty() {
            return Err(fields.missing("Container"));
        }
        group.check_names(fields)?;
        Ok(group)
    }

    /// Names are unique, and every mount is of a volume of the group.
    fn check_names(&self, fields: &Fields<'_>) -> Result<(), Refusal> {
        let refuse = |code| Err(Refusal::of(OperationName::CreateContainerGroup, code));
        let mut names = BTreeSet::new();
        let all = || self.containers.iter().chain(&self.init_containers);
        if !all().all(|container| names.insert(container.name.as_str())) {
            return refuse(ErrorCode::InvalidParameterDuplicatedName);
        }
        let mut volumes = BTreeSet::new();
        if !self.volumes.iter().all(|volume| volumes.insert(volume.name.as_str())) {
            return refuse(ErrorCode::InvalidParameterDuplicatedVolumeName);
        }
        for (kind, list) in [("Container", &self.containers), ("InitContainer", &self.init_containers)] {
            for (container, number) in list.iter().zip(1..) {
                let unknown = |mount: &VolumeMount| !volumes.contains(mount.volume.as_str());
                if let Some(place) = container.mounts.iter().position(unknown) {
                    let name = format!("{kind}.{number}.VolumeMount.{}.Name", place + 1);
                    return Err(fields.invalid(&name));
                }
            }
        }
        Ok(())
    }
}
