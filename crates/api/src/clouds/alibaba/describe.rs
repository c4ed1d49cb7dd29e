//! Caches described.

use std::collections::{BTreeMap, BTreeSet};

use clouds::alibaba::answer::ImageCaches;
use clouds::alibaba::request::{DescribeImageCaches, GivenImage, ResourceId};
use clouds::alibaba::{Answer, OperationName, Refusal};
use model::{CacheId, Cloud, ImageSource, LabelFilter};
use wire::{FindMatches, MatchPolicy};

use super::{Caller, caches, ids, refusals, shown};
use crate::clouds::listing::{self, Start, Wanted};
use crate::clouds::recorded::labels;
use crate::service::{CacheFilter, CachePage, CacheView, ServiceError};

const NAME: OperationName = OperationName::DescribeImageCaches;
/// The caches of a page of which no length is said, and the most of one.
const DEFAULT_PAGE: u32 = 20;
const LONGEST_PAGE: u32 = 100;
/// The most caches that match some images best.
const MOST_MATCHES: u32 = 100;

/// Whether an image was named without tag and digest, which means any of its repository.
fn is_bare(image: &GivenImage) -> bool {
    let last = image.text.rsplit('/').next().unwrap_or_default();
    !last.contains([':', '@'])
}

/// What the records can be asked for; `None` where nothing can fit.
fn filter(describe: &DescribeImageCaches, labels: BTreeMap<String, LabelFilter>) -> Option<CacheFilter> {
    let mut filter = CacheFilter { labels, ..CacheFilter::default() };
    if let Some(id) = &describe.id {
        filter.ids = Some(vec![id.as_str().parse().ok()?]);
    }
    if let Some(name) = &describe.name {
        let given = name.as_str().parse().ok()?;
        filter.names = Some(ids::cache_name_of(name.as_str()).into_iter().chain([given]).collect());
    }
    if let Some(id) = &describe.snapshot_id {
        filter.snapshot = Some(ids::snapshot_of(id.as_str())?);
    }
    match &describe.image {
        Some(image) if is_bare(image) => filter.repository = Some(image.reference.repository().clone()),
        Some(image) => filter.image = Some(ImageSource::Registry(image.reference.clone())),
        None => {}
    }
    for tag in &describe.tags {
        let before = filter.tags.insert(tag.key.clone(), tag.value.clone());
        // One cache has one value of a key.
        if before.is_some_and(|before| before != tag.value && before.is_some() && tag.value.is_some()) {
            return None;
        }
    }
    Some(filter)
}

/// The query that a page token is for: everything but the page.
fn query(account: &model::AccountId, describe: &DescribeImageCaches) -> String {
    let query = DescribeImageCaches { limit: None, next_token: None, ..describe.clone() };
    format!("alibaba?{account}?{query:?}")
}

impl Caller {
    pub(super) async fn describe_caches(&self, describe: &DescribeImageCaches) -> Result<Answer, Refusal> {
        let of = |error: ServiceError| refusals::of_caches(NAME, "", &error);
        let settings = &self.edge.clouds().alibaba;
        let group = describe.resource_group_id.as_ref().map(ResourceId::as_str);
        let labels = labels(Cloud::Alibaba, describe.region.as_str(), group, settings);
        let query = query(&self.account, describe);
        let start = match &describe.next_token {
            Some(token) => Some(self.page_start(&query, token.as_str())?),
            None => None,
        };
        let page = match (filter(describe, labels), describe.match_images.is_empty()) {
            (None, _) => CachePage { caches: Vec::new(), next: None, total: 0 },
            (Some(filter), true) => self.page(&filter, describe, start).await.map_err(of)?,
            (Some(filter), false) => self.matching(filter, describe).await.map_err(of)?,
        };
        let events = listing::events(&self.edge, &self.account, &page.caches).await.map_err(of)?;
        let entry = |view: &CacheView| {
            let events = events.get(&view.cache.id).map_or(&[][..], Vec::as_slice);
            shown::entry(view, describe.region.as_str(), events)
        };
        let image_caches = page.caches.iter().map(entry).collect();
        let next_token = page.next.map(|id| self.edge.page_key().issue(&query, &id.to_string()));
        Ok(Answer::DescribeImageCaches(ImageCaches { next_token, total_count: page.total, image_caches }))
    }

    /// Where the page of a token begins.
    pub(super) fn page_start<Id: std::str::FromStr>(&self, query: &str, token: &str) -> Result<Id, Refusal> {
        let start = self.edge.page_key().read(query, token).ok().and_then(|text| text.parse().ok());
        start.ok_or_else(|| Refusal::invalid("NextToken"))
    }

    async fn page(
        &self,
        filter: &CacheFilter,
        describe: &DescribeImageCaches,
        start: Option<CacheId>,
    ) -> Result<CachePage, ServiceError> {
        // A repository is looked for by its name alone, and may be of another registry.
        let bare = describe.image.as_ref().filter(|image| is_bare(image));
        let has_image = |view: &CacheView| bare.is_none_or(|image| has_repository(view, image));
        let limit = describe.limit.unwrap_or(DEFAULT_PAGE).min(LONGEST_PAGE);
        let fits: Option<listing::Fits<'_>> = if bare.is_some() { Some(&has_image) } else { None };
        let wanted = Wanted { start: Start::Behind(start), limit, fits };
        listing::page(&self.edge, &self.account, filter, wanted).await
    }

    /// The caches that match some images best, best first, on one page.
    async fn matching(
        &self,
        mut filter: CacheFilter,
        describe: &DescribeImageCaches,
    ) -> Result<CachePage, ServiceError> {
        let asked = FindMatches {
            policy: MatchPolicy::Alibaba,
            perfect_match: describe.full_match,
            match_count: describe.match_count.and_then(std::num::NonZeroU32::new),
            limit: Some(MOST_MATCHES),
            by_name_only: true,
            ..FindMatches::of(caches::sources(&describe.match_images))
        };
        let ranking = self.edge.service().match_images(&self.account, &asked).await?;
        let named = filter.ids.take().map(BTreeSet::from_iter);
        let is_named =
            |id: &CacheId| named.as_ref().is_none_or(|named: &BTreeSet<CacheId>| named.contains(id));
        let ranked: Vec<CacheId> = ranking.taken.iter().map(|taken| taken.id).filter(is_named).collect();
        if ranked.is_empty() {
            return Ok(CachePage { caches: Vec::new(), next: None, total: 0 });
        }
        filter.ids = Some(ranked.clone());
        let all = DescribeImageCaches { limit: Some(MOST_MATCHES), ..describe.clone() };
        let mut page = self.page(&filter, &all, None).await?;
        page.caches.sort_by_key(|view| ranked.iter().position(|id| *id == view.cache.id));
        let limit = describe.limit.unwrap_or(DEFAULT_PAGE).min(LONGEST_PAGE);
        page.total = page.caches.len() as u64;
        page.caches.truncate(limit as usize);
        Ok(CachePage { next: None, ..page })
    }
}

/// Whether a cache has an image of that one's repository.
fn has_repository(view: &CacheView, image: &GivenImage) -> bool {
    let wanted = &image.reference;
    view.cache.images.iter().any(|source| match source {
        ImageSource::Registry(one) => one.host() == wanted.host() && one.repository() == wanted.repository(),
        _ => false,
    })
}
