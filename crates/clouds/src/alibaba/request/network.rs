//! Where something lies in the cloud's networks. None of it means anything outside of that cloud.

use std::net::IpAddr;

use super::text::{FreeName, ResourceId};
use super::words::DnsPolicy;
use crate::alibaba::error::Refusal;
use crate::alibaba::parameters::Fields;

const MOST_SWITCHES: usize = 10;
const MOST_NAMES: usize = 100;

/// `SecurityGroupId`, `VSwitchId`, `ZoneId` and `EipInstanceId`: checked and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkPlace {
    /// `SecurityGroupId`
    pub security_group_id: Option<ResourceId>,
    /// `VSwitchId`: up to 10, separated by commas.
    pub vswitch_ids: Option<Vec<ResourceId>>,
    /// `ZoneId`. Not of an update.
    pub zone_id: Option<ResourceId>,
    /// `EipInstanceId`
    pub eip_instance_id: Option<ResourceId>,
}

impl NetworkPlace {
    /// Without a zone, as an update has it.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            security_group_id: fields.parsed("SecurityGroupId")?,
            vswitch_ids: fields.separated("VSwitchId", MOST_SWITCHES)?,
            zone_id: None,
            eip_instance_id: fields.parsed("EipInstanceId")?,
        })
    }

    pub(super) fn read_with_zone(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self { zone_id: fields.parsed("ZoneId")?, ..Self::read(fields)? })
    }
}

/// The public address that a container group may have made for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicAddress {
    /// `AutoCreateEip`
    pub create: bool,
    /// `EipBandwidth`, in Mbit/s.
    pub bandwidth_mbit: Option<u32>,
    /// `EipISP`
    pub line: Option<ResourceId>,
    /// `EipCommonBandwidthPackage`
    pub bandwidth_package: Option<ResourceId>,
}

impl PublicAddress {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            create: fields.flag("AutoCreateEip")?,
            bandwidth_mbit: fields.number("EipBandwidth", 1..=100_000)?,
            line: fields.parsed("EipISP")?,
            bandwidth_package: fields.parsed("EipCommonBandwidthPackage")?,
        })
    }
}

/// `HostAliase.N`: a line of the hosts file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAlias {
    /// `Ip`
    pub ip: IpAddr,
    /// `Hostname.M`
    pub names: Vec<ResourceId>,
}

impl HostAlias {
    pub(super) fn read_all(fields: &Fields<'_>) -> Result<Vec<Self>, Refusal> {
        fields.objects("HostAliase", MOST_NAMES, |alias| {
            Ok(Self { ip: alias.required("Ip")?, names: alias.list("Hostname", MOST_NAMES)? })
        })
    }
}

/// `DnsPolicy` and `DnsConfig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsConfig {
    /// `DnsPolicy`
    pub policy: Option<DnsPolicy>,
    /// `DnsConfig.NameServer.N`
    pub name_servers: Vec<IpAddr>,
    /// `DnsConfig.Search.N`
    pub searches: Vec<ResourceId>,
    /// `DnsConfig.Option.N.Name` and `.Value`
    pub options: Vec<(ResourceId, Option<FreeName>)>,
}

impl DnsConfig {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let policy = fields.parsed("DnsPolicy")?;
        let config = fields.object("DnsConfig", |config| {
            let options = config.objects("Option", MOST_NAMES, |option| {
                Ok((option.required("Name")?, option.parsed("Value")?))
            })?;
            Ok(Self {
                policy,
                name_servers: config.list("NameServer", MOST_NAMES)?,
                searches: config.list("Search", MOST_NAMES)?,
                options,
            })
        })?;
        let without = Self { policy, name_servers: Vec::new(), searches: Vec::new(), options: Vec::new() };
        Ok(config.unwrap_or(without))
    }
}
