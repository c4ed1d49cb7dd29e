//! Deleting a cache: at once or not at all, or as soon as nothing uses it.

use metastore::Page;
use model::{AccountId, CacheId, DeleteMode, Event, EventKind, EventReason, ImageCache};

use crate::{Engine, Error};

/// What a request for deletion came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It is gone; as it was last.
    Done(ImageCache),
    /// It goes once nothing uses it.
    Asked(ImageCache),
}

impl Deletion {
    /// The cache, as it was last or is now.
    #[must_use]
    pub fn cache(&self) -> &ImageCache {
        match self {
            Self::Done(cache) | Self::Asked(cache) => cache,
        }
    }
}

impl Engine {
    /// Deletes the one cache that a word means. Its blobs stay until the next collection.
    ///
    /// # Errors
    /// [`Error::UnknownCache`]; [`Error::AmbiguousCache`]; with [`DeleteMode::Refuse`] those of the records while instances
    /// use it, or its build runs.
    pub async fn delete_cache(
        &self,
        account: &AccountId,
        word: &str,
        mode: DeleteMode,
    ) -> Result<Deletion, Error> {
        self.fail_interrupted().await?;
        let cache = self.find_only_cache(account, word).await?;
        if mode == DeleteMode::WhenUnused {
            return self.delete_when_unused(&cache).await;
        }
        let deleted = self.delete_recorded(cache.id, self.deleted(&cache)).await?;
        Ok(Deletion::Done(deleted))
    }

    async fn delete_when_unused(&self, cache: &ImageCache) -> Result<Deletion, Error> {
        let message = format!("`{}` is to be deleted once nothing uses it", cache.name);
        let event = self.workshop.event(cache.id, EventKind::Normal, EventReason::DeletionRequested, message);
        let asked = self.records().ask_deletion(cache.id, &[event], self.clock().now()).await?;
        self.workshop.cancel_builds_of(cache.id);
        self.workshop.signals.expiry.notify_one();
        self.workshop.signals.changes.notify_one();
        match self.delete_recorded(cache.id, self.deleted(cache)).await {
            Ok(deleted) => Ok(Deletion::Done(deleted)),
            Err(Error::Records(
                metastore::Error::CacheInUse { .. } | metastore::Error::CacheBuilding { .. },
            )) => Ok(Deletion::Asked(asked)),
            // A reconciler was faster.
            Err(Error::Records(metastore::Error::NoCache(_))) => Ok(Deletion::Done(asked)),
            Err(error) => Err(error),
        }
    }

    /// Deletes a cache whose deletion was asked for, if nothing uses it by now. For whoever just let go of it: without a server
    /// nobody else would look.
    pub(crate) async fn finish_deletion(&self, id: CacheId) -> Result<(), Error> {
        let cache = match self.records().cache(id).await {
            Err(metastore::Error::NoCache(_)) => return Ok(()),
            cache => cache?,
        };
        if cache.deleting.is_none() {
            return Ok(());
        }
        let message = format!("`{}` was deleted as asked for, now that nothing uses it", cache.name);
        let event = self.workshop.event(cache.id, EventKind::Normal, EventReason::Deleted, message);
        match self.delete_recorded(id, event).await {
            Err(Error::Records(
                metastore::Error::CacheInUse { .. }
                | metastore::Error::CacheBuilding { .. }
                | metastore::Error::NoCache(_),
            )) => Ok(()),
            deleted => deleted.map(drop),
        }
    }

    /// The same of every cache.
    pub(crate) async fn finish_deletions(&self) -> Result<(), Error> {
        let mut page = Page::first();
        loop {
            let found = self.records().outline_caches(page).await?;
            let Some(last) = found.last() else { return Ok(()) };
            page = Page::after(last.id);
            for cache in found.iter().filter(|cache| cache.is_deleting) {
                self.finish_deletion(cache.id).await?;
            }
        }
    }

    fn deleted(&self, cache: &ImageCache) -> Event {
        let message = format!("`{}` was deleted", cache.name);
        self.workshop.event(cache.id, EventKind::Normal, EventReason::Deleted, message)
    }

    /// Deletes a cache and the documents that nobody names any more. The cache as it was last.
    pub(crate) async fn delete_recorded(&self, id: CacheId, event: Event) -> Result<ImageCache, Error> {
        let change = self.records().delete_cache(id, &[event]).await?;
        crate::build::step("cache-deleted")?;
        self.workshop.signals.changes.notify_one();
        self.workshop.let_go(&change.released).await;
        Ok(change.cache)
    }
}
