//! The actions and resources of requests.

use crate::alibaba::request::{GroupFilter, Operation, RegionId, ResourceId, ResourceType};

/// An action on a resource, for which permission is needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccessRequest {
    /// `eci:CreateImageCache`
    pub action: String,
    /// `acs:eci:cn-hangzhou:ACCOUNT:imagecache/*`
    pub resource: String,
    /// The resource's id, where it is one that exists: its tags are what a condition is about.
    pub id: Option<ResourceId>,
}

/// What a request needs permission for: every one of these.
///
/// The region is the one that the request names. A resource must be looked for in that region alone, or a permission for one region
/// reaches into others.
#[must_use]
pub fn access_requests(operation: &Operation, account: &str) -> Vec<AccessRequest> {
    let name = operation.name();
    let request = |resource: String, id: Option<&ResourceId>| AccessRequest {
        action: format!("eci:{name}"),
        resource,
        id: id.cloned(),
    };
    let on = |region: Option<&RegionId>, kind: &str, id: Option<&ResourceId>| {
        let region = region.map_or("*", RegionId::as_str);
        let last = id.map_or("*", ResourceId::as_str);
        request(format!("acs:eci:{region}:{account}:{kind}/{last}"), id)
    };
    let each = |region: Option<&RegionId>, kind: &str, ids: &[ResourceId]| match ids {
        [] => vec![on(region, kind, None)],
        ids => ids.iter().map(|id| on(region, kind, Some(id))).collect(),
    };
    let groups =
        |filter: &GroupFilter| each(Some(&filter.region), GROUP, filter.ids.as_deref().unwrap_or_default());
    match operation {
        Operation::CreateImageCache(create) => vec![on(Some(&create.region), CACHE, None)],
        Operation::UpdateImageCache(update) => vec![on(Some(&update.region), CACHE, Some(&update.id))],
        Operation::DeleteImageCache(delete) => vec![on(Some(&delete.region), CACHE, Some(&delete.id))],
        Operation::DescribeImageCaches(describe) => {
            vec![on(Some(&describe.region), CACHE, describe.id.as_ref())]
        }
        Operation::CreateContainerGroup(create) => vec![on(Some(&create.region), GROUP, None)],
        Operation::DeleteContainerGroup(delete) => vec![on(Some(&delete.region), GROUP, Some(&delete.id))],
        Operation::DescribeContainerGroups(describe) => groups(&describe.filter),
        Operation::DescribeContainerGroupStatus(describe) => groups(&describe.filter),
        Operation::DescribeContainerGroupEvents(describe) => groups(&describe.filter),
        Operation::DescribeContainerLog(log) => vec![on(log.region.as_ref(), GROUP, Some(&log.group_id))],
        Operation::ListUsage(_) | Operation::DescribeRegions(_) => vec![request("*".to_owned(), None)],
        Operation::TagResources(tag) => {
            each(Some(&tag.resources.region), kind(tag.resources.kind), &tag.resources.ids)
        }
        Operation::UntagResources(untag) => {
            each(Some(&untag.resources.region), kind(untag.resources.kind), &untag.resources.ids)
        }
        Operation::ListTagResources(list) => each(list.region.as_ref(), kind(list.kind), &list.ids),
    }
}

const CACHE: &str = "imagecache";
const GROUP: &str = "containergroup";

fn kind(resource: ResourceType) -> &'static str {
    match resource {
        ResourceType::ContainerGroup => GROUP,
        ResourceType::ImageCache => CACHE,
        ResourceType::DataCache => "datacache",
        ResourceType::VirtualNode => "virtualnode",
    }
}
