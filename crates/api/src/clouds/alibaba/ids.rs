//! Ids in the cloud's words, and what operations say alike.

use clouds::alibaba::Operation;
use clouds::alibaba::request::{GroupFilter, RegionId, TagFilter};
use model::{CacheId, CacheName, Cloud, GroupId, ImageSnapshotId, Tags};

use crate::clouds::advice::by_parameters;

/// What the cloud's ids begin with: of container groups, of snapshots, and of local ones.
pub(super) const GROUP: &str = "eci-";
/// What our ids of container groups begin with.
const OUR_GROUP: &str = "grp-";
/// What the names of automatic caches begin with.
const AUTOMATIC: &str = "auto-create-for-";
const SNAPSHOT: &str = "s-";
const LOCAL_SNAPSHOT: &str = "s-f";

fn digits(id: &str) -> &str {
    id.split_once('-').map_or(id, |(_, digits)| digits)
}

/// The transit instance that pulls a cache's images: there is one per cache.
pub(super) fn transit(cache: CacheId) -> String {
    format!("{GROUP}{}", digits(&cache.to_string()))
}

/// The cache whose transit instance has that name; none where the text can be none.
pub(super) fn cache_of_transit(text: &str) -> Option<CacheId> {
    format!("imc-{}", text.strip_prefix(GROUP)?).parse().ok()
}

/// A container group.
pub(super) fn group(id: GroupId) -> String {
    format!("{GROUP}{}", digits(&id.to_string()))
}

/// The container group of that name; none where the text can be none.
pub(super) fn group_of(text: &str) -> Option<GroupId> {
    format!("{OUR_GROUP}{}", text.strip_prefix(GROUP)?).parse().ok()
}

/// The name of a cache: an automatic one of a group is named after that, in the cloud's word for it.
pub(super) fn cache_name(name: &CacheName) -> String {
    let starter = name.as_str().strip_prefix(AUTOMATIC).and_then(|starter| starter.parse::<GroupId>().ok());
    starter.map_or_else(|| name.to_string(), |id| format!("{AUTOMATIC}{}", group(id)))
}

/// The name of ours that is shown as that one, where it is another.
pub(super) fn cache_name_of(text: &str) -> Option<CacheName> {
    let id = group_of(text.strip_prefix(AUTOMATIC)?)?;
    format!("{AUTOMATIC}{id}").parse().ok()
}

/// What an event says, with the container groups in it by the cloud's ids, and its parameters for our flags.
pub(super) fn sentence(text: &str) -> String {
    let text = by_parameters(Cloud::Alibaba, text);
    let mut told = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(OUR_GROUP) {
        let (before, from) = rest.split_at(at);
        told.push_str(before);
        let named = from.get(..OUR_GROUP.len() + 32).and_then(|id| Some((id, id.parse::<GroupId>().ok()?)));
        let (shown, length) = match named {
            Some((ours, id)) => (group(id), ours.len()),
            None => (OUR_GROUP.to_owned(), OUR_GROUP.len()),
        };
        told.push_str(&shown);
        rest = &from[length..];
    }
    told + rest
}

/// A standard snapshot.
pub(super) fn snapshot(id: ImageSnapshotId) -> String {
    format!("{SNAPSHOT}{}", digits(&id.to_string()))
}

/// A local snapshot.
pub(super) fn local_snapshot(id: ImageSnapshotId) -> String {
    format!("{LOCAL_SNAPSHOT}{}", digits(&id.to_string()))
}

/// The snapshot of that name; none where it can be none.
pub(super) fn snapshot_of(text: &str) -> Option<ImageSnapshotId> {
    let digits = text.strip_prefix(SNAPSHOT)?;
    let digits = match digits.len() {
        33 => digits.strip_prefix('f')?,
        _ => digits,
    };
    format!("isn-{digits}").parse().ok()
}

/// The region that an operation names.
pub(super) fn region(operation: &Operation) -> Option<&RegionId> {
    match operation {
        Operation::CreateImageCache(one) => Some(&one.region),
        Operation::UpdateImageCache(one) => Some(&one.region),
        Operation::DeleteImageCache(one) => Some(&one.region),
        Operation::DescribeImageCaches(one) => Some(&one.region),
        Operation::CreateContainerGroup(one) => Some(&one.region),
        Operation::DeleteContainerGroup(one) => Some(&one.region),
        Operation::DescribeContainerGroups(one) => Some(&one.filter.region),
        Operation::DescribeContainerGroupStatus(one) => Some(&one.filter.region),
        Operation::DescribeContainerGroupEvents(one) => Some(&one.filter.region),
        Operation::DescribeContainerLog(one) => one.region.as_ref(),
        Operation::ListUsage(one) => Some(&one.region),
        Operation::DescribeRegions(_) => None,
        Operation::TagResources(one) => Some(&one.resources.region),
        Operation::UntagResources(one) => Some(&one.resources.region),
        Operation::ListTagResources(one) => one.region.as_ref(),
    }
}

/// The tags that everything has which an operation is about without naming it: a permission for a tag covers that.
pub(super) fn asked_tags(operation: &Operation) -> Tags {
    match operation {
        Operation::CreateImageCache(create) => create.parameters.tags.clone().unwrap_or_default(),
        Operation::CreateContainerGroup(create) => create.tags.clone().unwrap_or_default(),
        Operation::DescribeImageCaches(describe) => of_filters(&describe.tags),
        Operation::DescribeContainerGroups(describe) => of_group(&describe.filter),
        Operation::DescribeContainerGroupStatus(describe) => of_group(&describe.filter),
        Operation::DescribeContainerGroupEvents(describe) => of_group(&describe.filter),
        Operation::ListTagResources(list) => of_filters(&list.tags),
        _ => Tags::default(),
    }
}

fn of_group(filter: &GroupFilter) -> Tags {
    of_filters(&filter.tags)
}

fn of_filters(filters: &[TagFilter]) -> Tags {
    let pairs = filters.iter().filter_map(|tag| Some((tag.key.clone(), tag.value.clone()?)));
    pairs.collect::<std::collections::BTreeMap<_, _>>().try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_automatic_cache_of_a_group_is_named_after_that() {
        let id = GroupId::generate();
        let name: CacheName = format!("auto-create-for-{id}").parse().unwrap();
        let shown = cache_name(&name);
        assert_eq!(shown, format!("auto-create-for-{}", group(id)));
        assert_eq!(cache_name_of(&shown), Some(name));
        for other in ["web", "auto-create-for-web", "auto-create-for-ins-01890000000070008000000000000000"] {
            assert_eq!(cache_name(&other.parse().unwrap()), other);
            assert_eq!(cache_name_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_sentence_names_groups_as_the_cloud_does() {
        let (one, two) = (GroupId::generate(), GroupId::generate());
        let told = sentence(&format!("nothing that {one} wanted, `{two}`: grp-1, grp-"));
        assert_eq!(told, format!("nothing that {} wanted, `{}`: grp-1, grp-", group(one), group(two)));
        assert_eq!(sentence("grp-é wants 网"), "grp-é wants 网");
    }

    #[test]
    fn a_snapshot_is_found_by_the_name_that_it_is_shown_by() {
        let id = ImageSnapshotId::generate();
        assert_eq!(snapshot_of(&snapshot(id)), Some(id));
        assert_eq!(snapshot_of(&local_snapshot(id)), Some(id));
        for other in ["", "s-", "s-1", "isn-1", &id.to_string()] {
            assert_eq!(snapshot_of(other), None, "{other}");
        }
    }
}
