//! Use-cases of caches: ask for one, describe, change, roll back, delete.

mod bounds;
mod delete;
mod describe;
mod here;
mod request;
mod roll_back;
mod update;

pub use bounds::{Bounded, CacheBounds};
pub use delete::{DeleteMode, Deletion};
pub use describe::{AccountUsage, CacheDetails, CachePage};
pub use request::NewCacheRequest;
pub use update::CacheUpdate;

pub(crate) use request::{Draft, check_images, created};

use std::collections::BTreeMap;

use metastore::{CacheFilter, CacheRef, ResolvedCache};
use model::{AccountId, CacheId, Event, ImageCache, ImageSnapshot, Subject, Timestamp};
use serde::Serialize;

use crate::{Engine, Error, pages};

/// A cache as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CacheView {
    /// Its record.
    #[serde(flatten)]
    pub cache: ImageCache,
    /// Whether its build's process ended in the middle; a server goes on with it, or the next `create` of the same images.
    pub interrupted: bool,
    /// When it is deleted if nothing else happens to it.
    pub expires: Option<Timestamp>,
    /// Which of the copies that were asked for are not kept here, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fewer_copies: Option<String>,
}

fn ambiguous(found: ResolvedCache) -> Error {
    let ids = std::iter::once(found.cache.id).chain(found.others).collect();
    Error::AmbiguousCache { name: found.cache.name, ids }
}

impl Engine {
    /// Every cache of the account, oldest first.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn list_caches(&self, account: &AccountId) -> Result<Vec<CacheView>, Error> {
        let filter = CacheFilter { account: Some(account.clone()), ..CacheFilter::default() };
        let caches = self.all_caches(&filter).await?;
        self.views(caches).await
    }

    /// Every cache that the filter lets through, oldest first.
    pub(crate) async fn all_caches(&self, filter: &CacheFilter) -> Result<Vec<ImageCache>, Error> {
        Ok(pages::every(|page| self.records().find_caches(filter, page), |cache| cache.id).await?)
    }

    /// These caches as a listing shows them.
    pub(crate) async fn views(&self, caches: Vec<ImageCache>) -> Result<Vec<CacheView>, Error> {
        let building = caches.iter().filter(|cache| cache.state.is_building()).map(|cache| cache.id);
        let interrupted = self.interrupted_among(&building.collect::<Vec<_>>()).await?;
        let rules = &self.workshop.parts.settings.retention;
        let view = |cache: ImageCache| CacheView {
            interrupted: interrupted.contains(&cache.id),
            expires: model::rules::expires(&cache, rules),
            fewer_copies: self.fewer_copies(&cache.policy.copies),
            cache,
        };
        Ok(caches.into_iter().map(view).collect())
    }

    /// The account's cache that a word (id or name) means, and how many others have the name.
    ///
    /// # Errors
    /// [`Error::UnknownCache`], also of another account's; those of the records.
    pub async fn find_cache(&self, account: &AccountId, word: &str) -> Result<ResolvedCache, Error> {
        let unknown = || Error::UnknownCache { word: word.to_owned() };
        let wanted = match (word.parse(), word.parse()) {
            (Ok(id), _) => CacheRef::Id(id),
            (_, Ok(name)) => CacheRef::Name(name),
            _ => return Err(unknown()),
        };
        match self.records().resolve_cache(account, &wanted).await {
            Err(error) if error.kind() == metastore::ErrorKind::NotFound => Err(unknown()),
            found => Ok(found?),
        }
    }

    /// The one cache that a word means: a name that several have is refused.
    ///
    /// # Errors
    /// [`Error::UnknownCache`]; [`Error::AmbiguousCache`]; those of the records.
    pub async fn find_only_cache(&self, account: &AccountId, word: &str) -> Result<ImageCache, Error> {
        let found = self.find_cache(account, word).await?;
        if word.parse() != Ok(found.cache.id) && !found.others.is_empty() {
            return Err(ambiguous(found));
        }
        Ok(found.cache)
    }

    /// The cache that a change by that word means: of several of a name the only one that is usable. A create that failed and was
    /// done again leaves two.
    ///
    /// # Errors
    /// [`Error::UnknownCache`]; [`Error::AmbiguousCache`] where several are usable, or none of several is; those of the records.
    pub(crate) async fn find_cache_to_change(
        &self,
        account: &AccountId,
        word: &str,
    ) -> Result<ImageCache, Error> {
        let found = self.find_cache(account, word).await?;
        if word.parse() == Ok(found.cache.id) || found.others.is_empty() {
            return Ok(found.cache);
        }
        let others = CacheFilter {
            account: Some(account.clone()),
            ids: Some(found.others.clone()),
            ..CacheFilter::default()
        };
        let others = self.all_caches(&others).await?;
        // Of those that are more than are told of nothing is known.
        let are_all_told = found.others.len() < metastore::OTHERS_LIMIT as usize;
        if are_all_told && found.cache.is_usable() && !others.iter().any(ImageCache::is_usable) {
            return Ok(found.cache);
        }
        Err(ambiguous(found))
    }

    /// The image snapshot that a cache serves; `None` where it has none.
    ///
    /// # Errors
    /// [`Error::SnapshotMissing`] where its document is gone; those of the store.
    pub async fn snapshot_of(&self, cache: &ImageCache) -> Result<Option<ImageSnapshot>, Error> {
        let Some(id) = cache.snapshot else { return Ok(None) };
        let found = self.workshop.document(id).await.map_err(Error::store("read an image snapshot"))?;
        found.map(Some).ok_or(Error::SnapshotMissing { id: cache.id, snapshot: id })
    }

    /// What happened to those of these caches that are the account's, by cache, oldest first, without what happened to single
    /// layers.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn events_of_caches(
        &self,
        account: &AccountId,
        caches: &[CacheId],
    ) -> Result<BTreeMap<CacheId, Vec<Event>>, Error> {
        match caches {
            [] => Ok(BTreeMap::new()),
            _ => Ok(self.records().events_of_caches(account, caches).await?),
        }
    }

    /// What happened to a cache or an instance of the account, oldest first; nothing of another's.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn events(&self, account: &AccountId, subject: Subject) -> Result<Vec<Event>, Error> {
        if self.records().account_of(subject).await?.as_ref() != Some(account) {
            return Ok(Vec::new());
        }
        Ok(self.records().events(subject).await?)
    }
}
