//! Quotas, regions, and tags of any resource.

use model::Tags;

use super::tags::{self, TagFilter, TagRules};
use super::text::{ClientToken, PageToken, RegionId, ResourceId};
use super::words::ResourceType;
use crate::alibaba::error::Refusal;
use crate::alibaba::parameters::Fields;

const MOST_RESOURCES: usize = 100;

/// Tells what is used of the quotas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListUsage {
    /// `RegionId`
    pub region: RegionId,
}

impl ListUsage {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self { region: fields.required("RegionId")? })
    }
}

/// Lists regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeRegions {
    /// `RegionId`: that one alone.
    pub region: Option<RegionId>,
}

impl DescribeRegions {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self { region: fields.parsed("RegionId")? })
    }
}

/// What is tagged, or no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedResources {
    /// `RegionId`
    pub region: RegionId,
    /// `ResourceType`
    pub kind: ResourceType,
    /// `ResourceId.N`: 1 to 100.
    pub ids: Vec<ResourceId>,
}

impl TaggedResources {
    fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let (region, kind) = (fields.required("RegionId")?, fields.required("ResourceType")?);
        let ids = fields.list("ResourceId", MOST_RESOURCES)?;
        if ids.is_empty() {
            return Err(fields.missing("ResourceId"));
        }
        Ok(Self { region, kind, ids })
    }
}

/// Puts tags on resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagResources {
    /// On what.
    pub resources: TaggedResources,
    /// `Tag.N`: 1 to 20.
    pub tags: Tags,
}

impl TagResources {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let resources = TaggedResources::read(fields)?;
        let tags = tags::read(fields, TagRules::RESOURCES)?.ok_or_else(|| fields.missing("Tag"))?;
        Ok(Self { resources, tags })
    }
}

/// Takes tags off resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntagResources {
    /// Off what.
    pub resources: TaggedResources,
    /// `TagKey.N`: up to 20.
    pub keys: Vec<String>,
    /// `All`: all tags; counts only where there is no key.
    pub all: bool,
    /// `ClientToken`
    pub client_token: Option<ClientToken>,
}

impl UntagResources {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let (keys, all) = (fields.list("TagKey", Tags::MOST)?, fields.flag("All")?);
        let resources = TaggedResources::read(fields)?;
        if keys.is_empty() && !all {
            return Err(fields.missing("TagKey"));
        }
        Ok(Self { resources, all: all && keys.is_empty(), keys, client_token: fields.parsed("ClientToken")? })
    }
}

/// Lists tags of resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListTagResources {
    /// `RegionId`
    pub region: Option<RegionId>,
    /// `ResourceType`
    pub kind: ResourceType,
    /// `ResourceId.N`: up to 100; all of that type where there is none.
    pub ids: Vec<ResourceId>,
    /// `Tag.N`: up to 20.
    pub tags: Vec<TagFilter>,
    /// `Limit`: the length of a page. No maximum is published: the caller bounds it.
    pub limit: Option<u32>,
    /// `NextToken`
    pub next_token: Option<PageToken>,
}

impl ListTagResources {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            region: fields.parsed("RegionId")?,
            kind: fields.required("ResourceType")?,
            ids: fields.list("ResourceId", MOST_RESOURCES)?,
            tags: TagFilter::read(fields, Tags::MOST)?,
            limit: fields.number("Limit", 1..=i32::MAX.unsigned_abs())?,
            next_token: fields.parsed("NextToken")?,
        })
    }
}
