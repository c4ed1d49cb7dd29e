//! Pages of caches as the clouds ask for them.

use model::{AccountId, CacheId};

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
    let after = match wanted.start {
        Start::Behind(after) => Some(after),
        Start::Offset(0) => Some(None),
        Start::Offset(_) => None,
    };
    // The records can be asked for it as it is.
    if let (Some(after), None, 1..) = (after, wanted.fits, wanted.limit) {
        return ask(edge, account, filter, after, wanted.limit).await;
    }
    walk(edge, account, filter, wanted).await
}

async fn ask(
    edge: &Edge,
    account: &AccountId,
    filter: &CacheFilter,
    after: Option<CacheId>,
    limit: u32,
) -> ServiceResult<CachePage> {
    let page = Page { after, limit, order: Order::NewestFirst };
    edge.service().describe_caches(account, filter, page).await
}

async fn walk(
    edge: &Edge,
    account: &AccountId,
    filter: &CacheFilter,
    wanted: Wanted<'_>,
) -> ServiceResult<CachePage> {
    let mut found = CachePage { caches: Vec::new(), next: None, total: 0 };
    let mut after = None;
    loop {
        let step = ask(edge, account, filter, after, STEP).await?;
        for view in step.caches {
            if wanted.fits.is_some_and(|fits| !fits(&view)) {
                continue;
            }
            let is_behind = match wanted.start {
                Start::Behind(start) => start.is_none_or(|start| view.cache.id < start),
                Start::Offset(offset) => found.total >= offset,
            };
            found.total += 1;
            match (is_behind, found.caches.len() < wanted.limit as usize) {
                (true, true) => found.caches.push(view),
                (true, false) => found.next = found.caches.last().map(|last| last.cache.id),
                (false, _) => {}
            }
        }
        after = step.next;
        let is_full = wanted.fits.is_none() && found.caches.len() == wanted.limit as usize;
        if after.is_none() || is_full {
            // Nothing was left out, so that the records' own number is right.
            if wanted.fits.is_none() {
                found.total = step.total;
            }
            return Ok(found);
        }
    }
}

/// The cache of that id, if there is one that is not going.
pub(super) async fn cache(edge: &Edge, account: &AccountId, id: CacheId) -> ServiceResult<Option<CacheView>> {
    let filter = CacheFilter { ids: Some(vec![id]), ..CacheFilter::default() };
    let page = ask(edge, account, &filter, None, 1).await?;
    Ok(page.caches.into_iter().next().filter(|view| view.cache.deleting.is_none()))
}
