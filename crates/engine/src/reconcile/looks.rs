//! Which caches a reconciler has to look at: at first and when something has come due those that a survey of all found, else those that
//! were written since its last look.
//!
//! Reading every cache takes long where there are very many, so one reading serves all concerns, and only where the time of one
//! has come: what is written says itself which caches it was about.

use std::collections::BTreeSet;
use std::sync::Arc;

use metastore::{CacheFilter, ChangeNumber, Page};
use model::rules::{due, expires, refresh_due};
use model::{CacheId, ImageCache, Subject, Timestamp};
use tokio::sync::Mutex;

use crate::{Engine, Error, memory};

/// Changes that are followed one by one; of more, all caches are looked at.
const MOST_CHANGES: u32 = 1000;
/// Caches that are read at once.
const AT_ONCE: usize = 250;

/// What a reconciler looks at caches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concern {
    Expiry,
    Refresh,
    Copies,
}

impl Concern {
    const ALL: [Self; 3] = [Self::Expiry, Self::Refresh, Self::Copies];

    /// Whether there is something to do for a cache now, and when there will be otherwise.
    fn needs(self, engine: &Engine, cache: &ImageCache, now: Timestamp) -> (bool, Option<Timestamp>) {
        match self {
            Self::Expiry => {
                let rules = &engine.workshop.parts.settings.retention;
                let generations = cache.generations.iter().map(|generation| generation.kept_until);
                let ends = expires(cache, rules).into_iter().chain(generations).filter(|end| *end > now);
                (due(cache, false, rules, now).is_some(), ends.min())
            }
            Self::Refresh => {
                let at = refresh_due(cache);
                (at.is_some_and(|at| at <= now), at.filter(|at| *at > now))
            }
            Self::Copies => (engine.is_unsettled(cache), None),
        }
    }
}

/// The last survey of all caches, for all concerns.
#[derive(Default)]
pub(super) struct Surveys(Mutex<Option<Arc<Survey>>>);

/// What there is to do for all caches.
struct Survey {
    /// Every change up to this one is in it.
    seen: ChangeNumber,
    taken: Timestamp,
    /// In the order of [`Concern::ALL`].
    found: [Found; 3],
}

#[derive(Clone, Default)]
struct Found {
    caches: BTreeSet<CacheId>,
    /// When there is more to do.
    next: Option<Timestamp>,
}

impl Surveys {
    /// The last one where it will do, else one that is made now.
    async fn take(&self, engine: &Engine, will_do: impl Fn(&Survey) -> bool) -> Result<Arc<Survey>, Error> {
        let mut last = self.0.lock().await;
        if let Some(known) = last.as_ref().filter(|known| will_do(known)) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(Survey::make(engine).await?);
        *last = Some(Arc::clone(&made));
        Ok(made)
    }
}

impl Survey {
    async fn make(engine: &Engine) -> Result<Self, Error> {
        let seen = engine.records().newest_change().await?;
        let taken = engine.clock().now();
        let mut found = <[Found; 3]>::default();
        let mut page = Page::first();
        loop {
            let caches = engine.records().find_caches(&CacheFilter::default(), page).await?;
            let Some(last) = caches.last() else { break };
            page = Page::after(last.id);
            for cache in &caches {
                for (concern, found) in Concern::ALL.into_iter().zip(&mut found) {
                    let (is_due, next) = concern.needs(engine, cache, taken);
                    if is_due {
                        found.caches.insert(cache.id);
                    }
                    found.next = sooner(found.next, next);
                }
            }
        }
        memory::give_back().await;
        Ok(Self { seen, taken, found })
    }
}

fn sooner(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    [one, other].into_iter().flatten().min()
}

/// What a concern's last whole look saw.
pub(super) struct LastLook {
    concern: Concern,
    surveys: Arc<Surveys>,
    seen: Option<ChangeNumber>,
    next: Option<Timestamp>,
    /// Caches that are looked at whatever is written.
    waiting: BTreeSet<CacheId>,
    /// Caches that failed: they are looked at even where nothing is written.
    failed: BTreeSet<CacheId>,
}

/// A look at some caches.
pub(super) struct Look {
    concern: Concern,
    caches: BTreeSet<CacheId>,
    seen: ChangeNumber,
    next: Option<Timestamp>,
    waiting: BTreeSet<CacheId>,
    failed: BTreeSet<CacheId>,
}

impl LastLook {
    pub(super) fn new(concern: Concern, surveys: &Arc<Surveys>) -> Self {
        let surveys = Arc::clone(surveys);
        let (waiting, failed) = Default::default();
        Self { concern, surveys, seen: None, next: None, waiting, failed }
    }

    /// What is to be looked at; `None`: nothing was written since the last time, nothing failed, and nothing has come due.
    pub(super) async fn look(&self, engine: &Engine) -> Result<Option<Look>, Error> {
        let is_due = self.next.is_some_and(|next| next <= engine.clock().now());
        let look = |caches: BTreeSet<CacheId>, seen, next| {
            let caches = caches.iter().chain(&self.waiting).chain(&self.failed).copied().collect();
            let (waiting, failed) = Default::default();
            Some(Look { concern: self.concern, caches, seen, next, waiting, failed })
        };
        if let Some(seen) = self.seen.filter(|_| !is_due) {
            if self.failed.is_empty() && engine.records().newest_change().await? == seen {
                return Ok(None);
            }
            let changes = engine.records().changes(seen, MOST_CHANGES).await?;
            if let Some(changes) = changes.filter(|changes| changes.len() < MOST_CHANGES as usize) {
                let last = changes.last().map_or(seen, |change| change.number);
                let caches = changes.into_iter().filter_map(|change| match change.subject {
                    Subject::Cache(id) => Some(id),
                    Subject::Instance(_) | Subject::Group(_) => None,
                });
                return Ok(look(caches.collect(), last, self.next));
            }
        }
        let will_do = |survey: &Survey| {
            self.seen.is_none_or(|seen| seen <= survey.seen)
                && self.next.is_none_or(|next| !is_due || next <= survey.taken)
        };
        let survey = self.surveys.take(engine, will_do).await?;
        let of_ours =
            Concern::ALL.into_iter().zip(&survey.found).find(|(concern, _)| *concern == self.concern);
        let found = of_ours.map(|(_, found)| found.clone()).unwrap_or_default();
        Ok(look(found.caches, survey.seen, found.next))
    }

    /// All of it has been looked at.
    pub(super) fn done(&mut self, look: Look) {
        let Look { seen, next, waiting, failed, .. } = look;
        (self.seen, self.next) = (Some(seen), next);
        (self.waiting, self.failed) = (waiting, failed);
    }
}

impl Look {
    /// The next caches, and of each whether there is something to do for it; none: these were all.
    pub(super) async fn next(&mut self, engine: &Engine) -> Result<Vec<(ImageCache, bool)>, Error> {
        loop {
            let ids: Vec<CacheId> = self.caches.iter().take(AT_ONCE).copied().collect();
            let Some(last) = ids.last() else { return Ok(Vec::new()) };
            self.caches = self.caches.split_off(last);
            self.caches.remove(last);
            let filter = CacheFilter { ids: Some(ids), ..CacheFilter::default() };
            let found = engine.records().find_caches(&filter, Page::first()).await?;
            let now = engine.clock().now();
            let mut caches = Vec::with_capacity(found.len());
            for cache in found {
                let (is_due, next) = self.concern.needs(engine, &cache, now);
                self.next = sooner(self.next, next);
                caches.push((cache, is_due));
            }
            // Some may be gone, and so all of these.
            if !caches.is_empty() {
                return Ok(caches);
            }
        }
    }

    /// What was to be done for a cache failed: it is looked at the next time.
    pub(super) fn failed(&mut self, cache: CacheId) {
        self.failed.insert(cache);
    }

    /// A cache is to be looked at as soon as anything is written.
    pub(super) fn again(&mut self, cache: CacheId) {
        self.waiting.insert(cache);
    }

    /// Everything is to be surveyed again by then.
    pub(super) fn again_by(&mut self, time: Timestamp) {
        self.next = sooner(self.next, Some(time));
    }
}
