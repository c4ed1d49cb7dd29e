//! Caches.

use std::collections::BTreeMap;

use http::Method;
use model::{CacheId, CacheName, CacheState, ImageSnapshotId, ImageSource, Origin, RepositoryName};
use wire::{
    Cache, CacheDetails, CacheList, CreateCache, Deleted, EventList, FindMatches, Order, PredictSize,
    Prediction, Ranking, RollBack, UpdateCache, Usage,
};

use crate::call::Call;
use crate::watch::ProgressWatch;
use crate::{Client, Result};

const CACHES: &str = "/v1/caches";

/// Which caches to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListCaches {
    /// Only these, where any are said.
    pub ids: Vec<CacheId>,
    /// Only those of one of these names, where any are said.
    pub names: Vec<CacheName>,
    /// Only those in one of these states, where any are said.
    pub states: Vec<CacheState>,
    /// Only those of this origin.
    pub origin: Option<Origin>,
    /// Only those that serve this image snapshot.
    pub snapshot: Option<ImageSnapshotId>,
    /// Only those that have this very image.
    pub image: Option<ImageSource>,
    /// Only those that have an image of this repository.
    pub repository: Option<RepositoryName>,
    /// Only those that have all of these tags; a key without a value lets every value through.
    pub tags: BTreeMap<String, Option<String>>,
    /// Which way.
    pub order: Order,
    /// The most on a page: 1 to 1000.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub page: Option<String>,
}

impl ListCaches {
    fn call(&self) -> Call {
        let mut call = Call::new("list the caches", Method::GET, CACHES).query("order", self.order.as_str());
        for id in &self.ids {
            call = call.query("id", id.to_string());
        }
        for name in &self.names {
            call = call.query("name", name.as_str());
        }
        for state in &self.states {
            call = call.query("state", state.as_str());
        }
        for (key, value) in &self.tags {
            let tag = value.as_ref().map_or_else(|| key.clone(), |value| format!("{key}={value}"));
            call = call.query("tag", tag);
        }
        call.maybe_query("origin", self.origin)
            .maybe_query("snapshot", self.snapshot)
            .maybe_query("image", self.image.as_ref())
            .maybe_query("repository", self.repository.as_ref().map(RepositoryName::as_str))
            .maybe_query("limit", self.limit)
            .maybe_query("page", self.page.as_ref())
    }
}

impl Client {
    /// Creates a cache; answered at once, the build waits for its turn.
    ///
    /// # Errors
    /// Those of every operation: [`Error`](crate::Error).
    pub async fn create_cache(&self, new: &CreateCache) -> Result<Cache> {
        Call::new("create a cache", Method::POST, CACHES).body(new).fetch(self).await
    }

    /// One page of caches.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_caches(&self, list: &ListCaches) -> Result<CacheList> {
        list.call().fetch(self).await
    }

    /// Every cache that the list lets through, from its page on.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn all_caches(&self, list: &ListCaches) -> Result<Vec<Cache>> {
        let mut list = ListCaches { limit: list.limit.or(Some(1000)), ..list.clone() };
        let mut caches = Vec::new();
        loop {
            let page = self.list_caches(&list).await?;
            caches.extend(page.items);
            list.page = page.next;
            if list.page.is_none() {
                return Ok(caches);
            }
        }
    }

    /// The cache of that id or name.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn cache(&self, word: &str) -> Result<CacheDetails> {
        Call::on("show the cache", Method::GET, CACHES, word, "")?.fetch(self).await
    }

    /// Changes a cache.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn update_cache(&self, word: &str, update: &UpdateCache) -> Result<Cache> {
        Call::on("update the cache", Method::PATCH, CACHES, word, "")?.body(update).fetch(self).await
    }

    /// Deletes a cache; where it is in use, refused, or `when_unused` later.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_cache(&self, word: &str, when_unused: bool) -> Result<Deleted> {
        let when = if when_unused { "unused" } else { "now" };
        let call = Call::on("delete the cache", Method::DELETE, CACHES, word, "")?;
        call.query("when", when).fetch(self).await
    }

    /// What happened to a cache.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn cache_events(&self, word: &str) -> Result<EventList> {
        Call::on("read the cache's events", Method::GET, CACHES, word, "/events")?.fetch(self).await
    }

    /// Makes a cache serve an earlier image snapshot again.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn roll_back_cache(&self, word: &str, to: Option<ImageSnapshotId>) -> Result<Cache> {
        let call = Call::on("roll the cache back", Method::POST, CACHES, word, "/rollback")?;
        call.body(&RollBack { to }).fetch(self).await
    }

    /// How far a cache is, until nothing more will come. Nothing is asked before the first one is.
    #[must_use]
    pub fn watch_cache(&self, word: &str) -> ProgressWatch {
        ProgressWatch::new(self.clone(), word.to_owned())
    }

    /// How large a cache would be.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn predict_size(&self, request: &PredictSize) -> Result<Prediction> {
        Call::new("predict the size", Method::POST, "/v1/predictions").body(request).fetch(self).await
    }

    /// Which caches would serve some images.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn match_images(&self, request: &FindMatches) -> Result<Ranking> {
        Call::new("match the images", Method::POST, "/v1/matches").body(request).fetch(self).await
    }

    /// How much of its quotas the account uses.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn usage(&self) -> Result<Usage> {
        Call::new("show the usage", Method::GET, "/v1/usage").fetch(self).await
    }
}
