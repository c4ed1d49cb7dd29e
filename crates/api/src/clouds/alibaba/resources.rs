//! Quotas, regions, and tags put on what is there.

use std::collections::BTreeMap;

use clouds::alibaba::answer::{Done, Region, Regions, TagResource, TagsOfResources, Usage, UsageAttributes};
use clouds::alibaba::request::{
    DescribeRegions, ListTagResources, RegionId, ResourceId, ResourceType, TagResources, TaggedResources,
    UntagResources,
};
use clouds::alibaba::{Answer, ErrorCode, OperationName, Refusal};
use model::{CacheId, ImageCache, PolicyEdit, TagChange, Tags};

use super::once::Turn;
use super::{Caller, refusals};
use crate::clouds::listing::{self, Start, Wanted};
use crate::service::{CacheFilter, CacheUpdate, CacheView};

/// The tags of a page of which no length is said, and the most resources that are looked at for one.
pub(super) const DEFAULT_PAGE: u32 = 20;
pub(super) const LONGEST_PAGE: u32 = 100;

/// What has tags that can be changed here.
fn check_kind(operation: OperationName, kind: ResourceType) -> Result<(), Refusal> {
    match kind {
        ResourceType::ImageCache | ResourceType::ContainerGroup => Ok(()),
        _ => {
            let message = format!("Resources of the type {kind} have no tags that can be changed here.");
            Err(Refusal::of(operation, ErrorCode::NoPermissionTag).saying(&message))
        }
    }
}

impl Caller {
    pub(super) async fn list_usage(&self) -> Result<Answer, Refusal> {
        let usage = self.edge.service().usage(&self.account).await;
        let usage = usage.map_err(|error| refusals::of_caches(OperationName::ListUsage, "", &error))?;
        let attributes = UsageAttributes {
            used_cpu: 0.0,
            max_cpu: 0.0,
            max_image_cache_count: usage.manual_quota,
            used_image_cache_count: usage.manual_caches,
            max_auto_image_cache_count: usage.automatic_quota,
            used_auto_image_cache_count: usage.automatic_caches,
            max_data_cache_count: 0,
            used_data_cache_count: 0,
        };
        Ok(Answer::ListUsage(Usage { attributes }))
    }

    pub(super) fn describe_regions(&self, describe: &DescribeRegions) -> Answer {
        let wanted = |region: &&String| describe.region.as_ref().is_none_or(|one| one.as_str() == **region);
        let known = self.edge.clouds().alibaba.regions.iter().filter(wanted);
        let regions = known.map(|region| Region {
            region_id: region.clone(),
            region_endpoint: format!("eci.{region}.aliyuncs.com"),
            zones: vec![format!("{region}-a")],
            recommend_zones: vec![format!("{region}-a")],
            unavailable_zones: Vec::new(),
        });
        Answer::DescribeRegions(Regions { regions: regions.collect() })
    }

    pub(super) async fn tag(&self, tag: &TagResources) -> Result<Answer, Refusal> {
        let change = TagChange { put: tag.tags.clone().into(), ..TagChange::default() };
        self.retag(OperationName::TagResources, &tag.resources, &change).await?;
        Ok(Answer::TagResources(Done {}))
    }

    pub(super) async fn untag(&self, untag: &UntagResources) -> Result<Answer, Refusal> {
        let take = untag.keys.iter().cloned().collect();
        let change = TagChange { take, take_all: untag.all, ..TagChange::default() };
        const NAME: OperationName = OperationName::UntagResources;
        let untag_in = |_: Turn| async {
            self.retag(NAME, &untag.resources, &change).await?;
            Ok(String::new())
        };
        self.once(NAME, untag.client_token.as_ref(), untag, String::new(), untag_in).await?;
        Ok(Answer::UntagResources(Done {}))
    }

    /// Changes the tags of all that is named, or where one is not there or cannot have them, of none. Each change is made over
    /// the tags that the resource has by then.
    async fn retag(
        &self,
        operation: OperationName,
        resources: &TaggedResources,
        change: &TagChange,
    ) -> Result<(), Refusal> {
        check_kind(operation, resources.kind)?;
        if resources.kind == ResourceType::ContainerGroup {
            return self.retag_groups(operation, resources, change).await;
        }
        let views = self.named(operation, &resources.region, &resources.ids).await?;
        let mut changed = Vec::new();
        for id in &resources.ids {
            let cache = views.get(id.as_str()).ok_or_else(|| refusals::unknown_cache(id.as_str()))?;
            if changed_tags(operation, change, &cache.policy.tags)? != cache.policy.tags {
                changed.push(cache.id.to_string());
            }
        }
        for id in changed {
            let policy = PolicyEdit { retag: Some(change.clone()), ..PolicyEdit::default() };
            let update = CacheUpdate { policy, ..CacheUpdate::default() };
            let updated = self.edge.service().update_cache(&self.account, &id, update, None).await;
            updated.map_err(|error| match error.field.as_deref() {
                Some("tags") => Refusal::of(operation, ErrorCode::NumberExceedTags),
                _ => refusals::of_caches(operation, &id, &error),
            })?;
        }
        Ok(())
    }

    /// The caches of these ids that are in the region.
    async fn named(
        &self,
        operation: OperationName,
        region: &RegionId,
        ids: &[ResourceId],
    ) -> Result<BTreeMap<String, ImageCache>, Refusal> {
        let ids = ids.iter().filter_map(|id| id.as_str().parse::<CacheId>().ok()).collect();
        let filter = CacheFilter { ids: Some(ids), ..CacheFilter::default() };
        let fits = |view: &CacheView| self.is_here(view, region);
        let wanted = Wanted { start: Start::Behind(None), limit: LONGEST_PAGE, fits: Some(&fits) };
        let page = listing::page(&self.edge, &self.account, &filter, wanted).await;
        let page = page.map_err(|error| refusals::of_caches(operation, "", &error))?;
        Ok(page.caches.into_iter().map(|view| (view.cache.id.to_string(), view.cache)).collect())
    }

    pub(super) async fn list_tags(&self, list: &ListTagResources) -> Result<Answer, Refusal> {
        const NAME: OperationName = OperationName::ListTagResources;
        let limit = list.limit.unwrap_or(DEFAULT_PAGE).min(LONGEST_PAGE);
        if list.kind == ResourceType::ContainerGroup {
            return self.list_group_tags(list, limit as usize).await;
        }
        if list.kind != ResourceType::ImageCache {
            return Ok(Answer::ListTagResources(TagsOfResources {
                next_token: None,
                tag_resources: Vec::new(),
            }));
        }
        let query = ListTagResources { limit: None, next_token: None, ..list.clone() };
        let query = format!("alibaba-tags?{}?{query:?}", self.account);
        let start = match &list.next_token {
            Some(token) => Some(self.page_start(&query, token.as_str())?),
            None => None,
        };
        let ids = list.ids.iter().filter_map(|id| id.as_str().parse::<CacheId>().ok()).collect();
        let filter = CacheFilter {
            ids: (!list.ids.is_empty()).then_some(ids),
            tags: list.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect(),
            ..CacheFilter::default()
        };
        let fits = |view: &CacheView| {
            !view.cache.policy.tags.is_empty()
                && list.region.as_ref().is_none_or(|region| self.is_here(view, region))
        };
        let wanted = Wanted { start: Start::Behind(start), limit, fits: Some(&fits) };
        let page = listing::page(&self.edge, &self.account, &filter, wanted).await;
        let page = page.map_err(|error| refusals::of_caches(NAME, "", &error))?;
        let next_token = page.next.map(|id| self.edge.page_key().issue(&query, &id.to_string()));
        let tag_resources = page.caches.iter().flat_map(|view| tags_of(&view.cache)).collect();
        Ok(Answer::ListTagResources(TagsOfResources { next_token, tag_resources }))
    }
}

/// The tags with a change, which must be tags.
pub(super) fn changed_tags(
    operation: OperationName,
    change: &TagChange,
    tags: &Tags,
) -> Result<Tags, Refusal> {
    change.over(tags).map_err(|_| Refusal::of(operation, ErrorCode::NumberExceedTags))
}

fn tags_of(cache: &ImageCache) -> impl Iterator<Item = TagResource> + '_ {
    shown_tags(ResourceType::ImageCache, cache.id.to_string(), &cache.policy.tags)
}

/// A line for each tag.
pub(super) fn shown_tags(
    kind: ResourceType,
    id: String,
    tags: &Tags,
) -> impl Iterator<Item = TagResource> + '_ {
    tags.iter().map(move |(key, value)| TagResource {
        resource_type: kind,
        resource_id: id.clone(),
        tag_key: key.clone(),
        tag_value: value.clone(),
    })
}
