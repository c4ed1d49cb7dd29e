//! Pages of caches as the clouds ask for them.

use std::collections::BTreeMap;

use model::{AccountId, CacheId, Event};

use crate::edge::Edge;
use crate::service::{CacheFilter, CachePage, CacheView, Page, ServiceResult};
use wire::Order;

/// How many caches are looked at in one go where pages have to be walked.
const STEP: u32 = 1000;

/// Where a page begins, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// At the first, or behind that one.
    Behind(Option<CacheId>),
    /// So many are passed over.
    Offset(u64),
}

/// What a cache has to be beside what the records can be asked for.
pub(super) type Fits<'a> = &'a (dyn Fn(&CacheView) -> bool + Sync);

/// Which page.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) start: Start,
    /// The most of them; the number is right with 0 too.
    pub(super) limit: u32,
    pub(super) fits: Option<Fits<'a>>,
}

/// The caches of a page that everything lets through, newest first.
pub(super) async fn page(
    edge: &Edge,
    account: &AccountId,
    filter: &CacheFilter,
    wanted: Wanted<'_>,
) -> ServiceResult<CachePage> {
    // The records can be asked for it as it is.
    match (wanted.fits, wanted.start) {
        (None, Start::Behind(after)) => ask(edge, account, filter, (after, 0), wanted.limit).await,
        (None, Start::Offset(offset)) => {
            // Nobody has as many.
            let skip = u32::try_from(offset).unwrap_or(u32::MAX);
            ask(edge, account, filter, (None, skip), wanted.limit).await
        }
        (Some(fits), start) => walk(edge, account, filter, (fits, start), wanted.limit).await,
    }
}

async fn ask(
    edge: &Edge,
    account: &AccountId,
    filter: &CacheFilter,
    (after, skip): (Option<CacheId>, u32),
    limit: u32,
) -> ServiceResult<CachePage> {
    let page = Page { after, limit, order: Order::NewestFirst, skip };
    // What goes with its last instance is gone for a cloud.
    let filter = CacheFilter { lasting: true, ..filter.clone() };
    edge.service().describe_caches(account, &filter, page).await
}

async fn walk(
    edge: &Edge,
    account: &AccountId,
    filter: &CacheFilter,
    (fits, start): (Fits<'_>, Start),
    limit: u32,
) -> ServiceResult<CachePage> {
    let mut found = CachePage { caches: Vec::new(), next: None, total: 0 };
    let mut after = None;
    loop {
        let step = ask(edge, account, filter, (after, 0), STEP).await?;
        for view in step.caches.into_iter().filter(|view| fits(view)) {
            let is_behind = match start {
                Start::Behind(start) => start.is_none_or(|start| view.cache.id < start),
                Start::Offset(offset) => found.total >= offset,
            };
            found.total += 1;
            match (is_behind, found.caches.len() < limit as usize) {
                (true, true) => found.caches.push(view),
                (true, false) => found.next = found.caches.last().map(|last| last.cache.id),
                (false, _) => {}
            }
        }
        after = step.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// What happened to the caches of a page, to be taken from by their ids.
pub(super) async fn events(
    edge: &Edge,
    account: &AccountId,
    views: &[CacheView],
) -> ServiceResult<BTreeMap<CacheId, Vec<Event>>> {
    let ids: Vec<CacheId> = views.iter().map(|view| view.cache.id).collect();
    edge.service().events_of_caches(account, &ids).await
}

/// The cache of that id, if there is one that is not going.
pub(super) async fn cache(edge: &Edge, account: &AccountId, id: CacheId) -> ServiceResult<Option<CacheView>> {
    let filter = CacheFilter { ids: Some(vec![id]), ..CacheFilter::default() };
    let page = ask(edge, account, &filter, (None, 0), 1).await?;
    Ok(page.caches.into_iter().next())
}
