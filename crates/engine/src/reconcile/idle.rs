//! What a look at the caches can be spared: all of it where nothing was written since the last one and nothing has come due; all but
//! the caches that were written where nothing has come due.

use std::collections::BTreeSet;

use metastore::{CacheFilter, ChangeNumber, PAGE_LIMIT, Page};
use model::{CacheId, ImageCache, Subject, Timestamp};

use crate::{Engine, Error};

/// Where more caches than these were written since, looking at every one is no slower.
const MOST_WRITTEN: usize = 5_000;

/// So many of them are read at once.
const AT_ONCE: usize = PAGE_LIMIT as usize;

/// What the last look saw.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastLook {
    seen: Option<ChangeNumber>,
    next: Option<Timestamp>,
}

/// What is to be looked at.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// The newest change before it.
    pub(super) seen: ChangeNumber,
    /// When something of what is not looked at comes due.
    pub(super) next: Option<Timestamp>,
    /// Only the caches that were written since; `None`: every one.
    pub(super) only: Option<BTreeSet<CacheId>>,
    /// Whether an instance was written since: one that ended holds its cache no more.
    pub(super) instances: bool,
}

impl LastLook {
    /// What is to be looked at; `None` where nothing is.
    pub(super) async fn due(&self, engine: &Engine) -> Result<Option<Look>, Error> {
        let newest = engine.records().newest_change().await?;
        let every = Look { seen: newest, next: None, only: None, instances: true };
        let Some(seen) = self.seen.filter(|_| !self.is_over(engine)) else { return Ok(Some(every)) };
        if seen == newest {
            return Ok(None);
        }
        let mut look = Look { seen, next: self.next, only: None, instances: false };
        let mut written = BTreeSet::new();
        loop {
            let Some(changes) = engine.records().changes(look.seen, PAGE_LIMIT).await? else {
                return Ok(Some(every));
            };
            let Some(last) = changes.last() else { break };
            look.seen = last.number;
            for change in &changes {
                match change.subject {
                    Subject::Cache(id) => drop(written.insert(id)),
                    Subject::Instance(_) => look.instances = true,
                }
            }
            if written.len() > MOST_WRITTEN {
                return Ok(Some(every));
            }
        }
        Ok(Some(Look { only: Some(written), ..look }))
    }

    fn is_over(&self, engine: &Engine) -> bool {
        self.next.is_some_and(|next| next <= engine.clock().now())
    }

    /// Everything up to that change has been looked at; the next thing is due then. Said only of a look without failures.
    pub(super) fn done(&mut self, seen: ChangeNumber, next: Option<Timestamp>) {
        *self = Self { seen: Some(seen), next };
    }
}

/// The caches of a look, some at a time.
pub(super) struct Looked {
    rest: Rest,
}

enum Rest {
    Every(Option<Page<CacheId>>),
    Only(Vec<CacheId>),
}

impl Looked {
    /// Those of these ids; `None`: every one.
    pub(super) fn at(only: Option<BTreeSet<CacheId>>) -> Self {
        let rest = match only {
            Some(ids) => Rest::Only(ids.into_iter().collect()),
            None => Rest::Every(Some(Page::first())),
        };
        Self { rest }
    }

    /// Some more; `None` behind the last. Those that are gone are left out.
    pub(super) async fn some(&mut self, engine: &Engine) -> Result<Option<Vec<ImageCache>>, Error> {
        match &mut self.rest {
            Rest::Every(next) => {
                let Some(page) = *next else { return Ok(None) };
                let caches = engine.records().find_caches(&CacheFilter::default(), page).await?;
                *next = caches.last().map(|last| Page::after(last.id));
                Ok(Some(caches))
            }
            Rest::Only(ids) if ids.is_empty() => Ok(None),
            Rest::Only(ids) => {
                let some = ids.split_off(ids.len().saturating_sub(AT_ONCE));
                let filter = CacheFilter { ids: Some(some), ..CacheFilter::default() };
                Ok(Some(engine.records().find_caches(&filter, Page::first()).await?))
            }
        }
    }
}
