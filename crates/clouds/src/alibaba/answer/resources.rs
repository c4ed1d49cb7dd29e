//! Answers about quotas, regions, tags and logs.

use serde::Serialize;

use crate::alibaba::request::ResourceType;

/// Of `DescribeContainerLog`.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerLog {
    /// The container.
    pub container_name: String,
    /// What it wrote.
    pub content: String,
}

/// What a container wrote goes to its owner and into no log of ours.
impl std::fmt::Debug for ContainerLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContainerLog").field("container_name", &self.container_name).finish_non_exhaustive()
    }
}

/// Of `ListUsage`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Usage {
    /// What is used, and of how much.
    pub attributes: UsageAttributes,
}

/// What is used of each quota. Manual and automatic caches have quotas of their own.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UsageAttributes {
    /// CPUs used.
    pub used_cpu: f64,
    /// CPUs at most.
    pub max_cpu: f64,
    /// Manual caches at most.
    pub max_image_cache_count: u64,
    /// Manual caches.
    pub used_image_cache_count: u64,
    /// Automatic caches at most.
    pub max_auto_image_cache_count: u64,
    /// Automatic caches.
    pub used_auto_image_cache_count: u64,
    /// Caches of data at most.
    pub max_data_cache_count: u64,
    /// Caches of data.
    pub used_data_cache_count: u64,
}

/// Of `DescribeRegions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Regions {
    /// The regions.
    pub regions: Vec<Region>,
}

/// One region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Region {
    /// Its id.
    pub region_id: String,
    /// Where its service is called.
    pub region_endpoint: String,
    /// Its zones.
    pub zones: Vec<String>,
    /// Those with room.
    pub recommend_zones: Vec<String>,
    /// Those without.
    pub unavailable_zones: Vec<String>,
}

/// Of `ListTagResources`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagsOfResources {
    /// Where the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// Those of this page.
    pub tag_resources: Vec<TagResource>,
}

/// A tag of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagResource {
    /// What it is.
    pub resource_type: ResourceType,
    /// Its id.
    pub resource_id: String,
    /// The key.
    pub tag_key: String,
    /// The value.
    pub tag_value: String,
}
