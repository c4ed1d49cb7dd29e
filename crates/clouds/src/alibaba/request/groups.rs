//! The operations on container groups that there are.

use model::Timestamp;

use super::tags::TagFilter;
use super::text::{ClientToken, PageToken, RegionId, ResourceId};
use super::words::{EventSource, GroupStatus};
use crate::alibaba::error::Refusal;
use crate::alibaba::parameters::Fields;

const MOST_IDS: usize = 20;
const MOST_TAGS: usize = 10;
/// Of `DescribeContainerGroups`.
const LONGEST_PAGE: u32 = 20;
/// Of the status and the events.
const LONGEST_STATUS_PAGE: u32 = 200;
const MOST_LINES: u32 = 2000;
const MOST_LOG_BYTES: u32 = 1 << 20;

/// Which groups are asked for: those that all of it fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFilter {
    /// `RegionId`
    pub region: RegionId,
    /// `ContainerGroupIds`: these; all where nothing is said, none where the list is empty.
    pub ids: Option<Vec<ResourceId>>,
    /// `Tag.N`: up to 10.
    pub tags: Vec<TagFilter>,
    /// `ZoneId`
    pub zone_id: Option<ResourceId>,
    /// `VSwitchId`
    pub vswitch_id: Option<ResourceId>,
    /// `ResourceGroupId`
    pub resource_group_id: Option<ResourceId>,
    /// `NextToken`
    pub next_token: Option<PageToken>,
}

impl GroupFilter {
    fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            region: fields.required("RegionId")?,
            ids: ids(fields)?,
            tags: TagFilter::read(fields, MOST_TAGS)?,
            zone_id: fields.parsed("ZoneId")?,
            vswitch_id: fields.parsed("VSwitchId")?,
            resource_group_id: fields.parsed("ResourceGroupId")?,
            next_token: fields.parsed("NextToken")?,
        })
    }
}

/// `ContainerGroupIds`, a JSON array in a string.
fn ids(fields: &Fields<'_>) -> Result<Option<Vec<ResourceId>>, Refusal> {
    const PART: &str = "ContainerGroupIds";
    let Some(text) = fields.text(PART) else { return Ok(None) };
    let texts: Vec<String> = serde_json::from_str(text).map_err(|_| fields.invalid(PART))?;
    if texts.len() > MOST_IDS {
        return Err(fields.too_long(PART, MOST_IDS));
    }
    let ids: Result<_, _> = texts.iter().map(|text| text.parse()).collect();
    ids.map(Some).map_err(|_| fields.invalid(PART))
}

/// Lists groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeContainerGroups {
    /// Which.
    pub filter: GroupFilter,
    /// `ContainerGroupName`
    pub name: Option<ResourceId>,
    /// `Status`
    pub status: Option<GroupStatus>,
    /// `SecurityGroupId`
    pub security_group_id: Option<ResourceId>,
    /// `ComputeCategory`
    pub compute_category: Option<ResourceId>,
    /// `WithEvent`: whether the answer has events.
    pub with_events: bool,
    /// `Limit`: the length of a page, up to 20.
    pub limit: u32,
}

impl DescribeContainerGroups {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            filter: GroupFilter::read(fields)?,
            name: fields.parsed("ContainerGroupName")?,
            status: fields.parsed("Status")?,
            security_group_id: fields.parsed("SecurityGroupId")?,
            compute_category: fields.parsed("ComputeCategory")?,
            with_events: fields.flag("WithEvent")?,
            limit: fields.number("Limit", 1..=LONGEST_PAGE)?.unwrap_or(LONGEST_PAGE),
        })
    }
}

/// Tells how groups are, in the words of pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeContainerGroupStatus {
    /// Which.
    pub filter: GroupFilter,
    /// `SinceSecond`: what changed in the last so many seconds, 60 to 3600.
    pub since_seconds: Option<u32>,
    /// `Limit`: the length of a page, up to 200.
    pub limit: Option<u32>,
}

impl DescribeContainerGroupStatus {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            filter: GroupFilter::read(fields)?,
            since_seconds: fields.number("SinceSecond", 60..=3600)?,
            limit: fields.number("Limit", 1..=LONGEST_STATUS_PAGE)?,
        })
    }
}

/// Lists what happened to groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeContainerGroupEvents {
    /// Which.
    pub filter: GroupFilter,
    /// `SinceSecond`: what happened in the last so many seconds, 60 to 3600.
    pub since_seconds: Option<u32>,
    /// `Limit`: the length of a page, up to 200.
    pub limit: Option<u32>,
    /// `EventSource`: both where there is none.
    pub source: Option<EventSource>,
}

impl DescribeContainerGroupEvents {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            filter: GroupFilter::read(fields)?,
            since_seconds: fields.number("SinceSecond", 60..=3600)?,
            limit: fields.number("Limit", 1..=LONGEST_STATUS_PAGE)?,
            source: fields.parsed("EventSource")?,
        })
    }
}

/// Ends and removes a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteContainerGroup {
    /// `RegionId`
    pub region: RegionId,
    /// `ContainerGroupId`
    pub id: ResourceId,
    /// `Force`: without a graceful end.
    pub force: bool,
    /// `ClientToken`
    pub client_token: Option<ClientToken>,
}

impl DeleteContainerGroup {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            region: fields.required("RegionId")?,
            id: fields.required("ContainerGroupId")?,
            force: fields.flag("Force")?,
            client_token: fields.parsed("ClientToken")?,
        })
    }
}

/// Tells what a container wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeContainerLog {
    /// `RegionId`
    pub region: Option<RegionId>,
    /// `ContainerGroupId`
    pub group_id: ResourceId,
    /// `ContainerName`
    pub container: ResourceId,
    /// `Tail`: the last so many lines, 500 by default, up to 2000.
    pub tail_lines: u32,
    /// `StartTime`
    pub since: Option<Timestamp>,
    /// `SinceSeconds`
    pub since_seconds: Option<u32>,
    /// `LimitBytes`: 1 to 1048576, the default.
    pub limit_bytes: u32,
    /// `LastTime`: of the container before the last restart.
    pub previous: bool,
    /// `Timestamps`: whether lines begin with their time.
    pub timestamps: bool,
}

impl DescribeContainerLog {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let since = fields.parsed::<jiff::Timestamp>("StartTime")?;
        Ok(Self {
            region: fields.parsed("RegionId")?,
            group_id: fields.required("ContainerGroupId")?,
            container: fields.required("ContainerName")?,
            tail_lines: fields.number("Tail", 1..=MOST_LINES)?.unwrap_or(500),
            since: since.map(|time| Timestamp::from_micros(time.as_microsecond())),
            since_seconds: fields.number("SinceSeconds", 1..=i32::MAX.unsigned_abs())?,
            limit_bytes: fields.number("LimitBytes", 1..=MOST_LOG_BYTES)?.unwrap_or(MOST_LOG_BYTES),
            previous: fields.flag("LastTime")?,
            timestamps: fields.flag("Timestamps")?,
        })
    }
}
