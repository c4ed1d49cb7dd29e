//! Answers about container groups.

use model::{Tags, Timestamp};
use serde::Serialize;

use super::container::{GroupContainer, InitContainer};
use super::image_cache::CacheEvent;
use super::print;
use super::volume::PrintedVolume;
use crate::alibaba::request::{
    DnsConfig, DnsPolicy, FreeName, GroupStatus, HostAlias, ResourceId, RestartPolicy,
};

/// Of `CreateContainerGroup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreatedContainerGroup {
    /// The group.
    pub container_group_id: String,
}

/// Of `DescribeContainerGroups`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerGroups {
    /// Where the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// How many there are on all pages.
    pub total_count: u64,
    /// Those of this page.
    pub container_groups: Vec<ContainerGroup>,
}

/// One group. The image cache that it uses is not shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerGroup {
    /// Its id.
    pub container_group_id: String,
    /// Its name.
    pub container_group_name: String,
    /// Its region.
    pub region_id: String,
    /// Its zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
    /// Its network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// Its part of the network.
    #[serde(rename = "VSwitchId", skip_serializing_if = "Option::is_none")]
    pub vswitch_id: Option<String>,
    /// Its security group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group_id: Option<String>,
    /// Its resource group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_group_id: Option<String>,
    /// The type of instance that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// Where it is in its life.
    pub status: GroupStatus,
    /// Which containers start again.
    pub restart_policy: RestartPolicy,
    /// CPUs.
    pub cpu: f64,
    /// GiB.
    pub memory: f64,
    /// GiB beyond the free ones.
    pub ephemeral_storage: u32,
    /// `NoSpot` where it is no spot instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot_strategy: Option<String>,
    /// Where name servers come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_policy: Option<DnsPolicy>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intranet_ip: Option<String>,
    /// Its public address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internet_ip: Option<String>,
    /// Its address of version 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_address: Option<String>,
    /// Its network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eni_instance_id: Option<String>,
    /// When it was asked for.
    #[serde(serialize_with = "print::display")]
    pub creation_time: Timestamp,
    /// When all containers had ended well.
    #[serde(serialize_with = "print::maybe_time", skip_serializing_if = "Option::is_none")]
    pub succeeded_time: Option<Timestamp>,
    /// When one had failed.
    #[serde(serialize_with = "print::maybe_time", skip_serializing_if = "Option::is_none")]
    pub failed_time: Option<Timestamp>,
    /// When its deadline had passed.
    #[serde(serialize_with = "print::maybe_time", skip_serializing_if = "Option::is_none")]
    pub expired_time: Option<Timestamp>,
    /// Its tags.
    #[serde(serialize_with = "print::tags")]
    pub tags: Tags,
    /// What happened to it, where it was asked for; the newest 50 at most.
    pub events: Vec<CacheEvent>,
    /// Its containers.
    pub containers: Vec<GroupContainer>,
    /// Its init containers.
    pub init_containers: Vec<InitContainer>,
    /// Its volumes.
    pub volumes: Vec<PrintedVolume>,
    /// Lines of its hosts file.
    pub host_aliases: Vec<PrintedHostAlias>,
    /// How it resolves names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_config: Option<PrintedDns>,
    /// Settings of its kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eci_security_context: Option<KernelSettings>,
}

/// Settings of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KernelSettings {
    /// Those that are not as usual.
    pub sysctls: Vec<KernelSetting>,
}

/// A setting of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KernelSetting {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A line of the hosts file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PrintedHostAlias {
    ip: String,
    hostnames: Vec<String>,
}

impl From<&HostAlias> for PrintedHostAlias {
    fn from(alias: &HostAlias) -> Self {
        Self { ip: alias.ip.to_string(), hostnames: alias.names.iter().map(ToString::to_string).collect() }
    }
}

/// How a group resolves names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PrintedDns {
    name_servers: Vec<String>,
    searches: Vec<String>,
    options: Vec<PrintedOption>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PrintedOption {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

impl From<&DnsConfig> for PrintedDns {
    fn from(dns: &DnsConfig) -> Self {
        let option = |(name, value): &(ResourceId, Option<FreeName>)| PrintedOption {
            name: name.to_string(),
            value: value.as_ref().map(ToString::to_string),
        };
        Self {
            name_servers: dns.name_servers.iter().map(ToString::to_string).collect(),
            searches: dns.searches.iter().map(ToString::to_string).collect(),
            options: dns.options.iter().map(option).collect(),
        }
    }
}
