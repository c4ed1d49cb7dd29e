//! The same requests by a process that acts on the data directory by itself: what has to be built is built here, at once.

use metastore::{Admitted, ClientToken};
use model::AccountId;

use super::request::created;
use super::{CacheUpdate, NewCacheRequest};
use crate::build::{BuildHandle, BuildOrder};
use crate::{Engine, Error};

impl Engine {
    /// Records a cache and builds it here; takes up an interrupted build of the same name and images instead, where there
    /// is one. Returns as soon as the build runs. Without a build: the client token was used for the same before.
    ///
    /// # Errors
    /// Those of [`request_cache`](Self::request_cache). The build's own come from its handle.
    pub async fn create_here(&self, new: NewCacheRequest) -> Result<(Admitted, Option<BuildHandle>), Error> {
        let draft = self.draft(new, true)?;
        if let Some(order) = self.take_up(&draft.cache).await? {
            let cache = order.cache.clone();
            return Ok((Admitted::Now(cache), Some(self.workshop.start(order))));
        }
        let created = created(&self.workshop, &draft.cache);
        let events = [created, self.workshop.build_started(draft.cache.id, draft.build.id)];
        match self.admit(&draft, &events).await {
            Ok(Admitted::Now(cache)) => {
                let build = self.workshop.start(BuildOrder::first(cache.clone(), &draft.build));
                Ok((Admitted::Now(cache), Some(build)))
            }
            Ok(before) => Ok((before, None)),
            Err(error) => {
                // Where only the answer was lost, nobody must take the build for one that runs.
                self.abandon(draft.build.id).await;
                Err(error)
            }
        }
    }

    /// Changes a cache, and builds here what [`update_cache`](Self::update_cache) leaves to a server. Returns as soon as the
    /// build runs; without one, nothing has to be built.
    ///
    /// # Errors
    /// Those of [`update_cache`](Self::update_cache). The build's own come from its handle.
    pub async fn update_here(
        &self,
        account: &AccountId,
        word: &str,
        update: &CacheUpdate,
        token: Option<ClientToken>,
    ) -> Result<(Admitted, Option<BuildHandle>), Error> {
        // Somebody may have left one in the middle, and nobody else would end it.
        self.fail_interrupted().await?;
        match self.update_with(account, word, update, token, true).await? {
            (Admitted::Now(cache), Some(build)) => {
                let order = BuildOrder::first(cache.clone(), &build);
                Ok((Admitted::Now(cache), Some(self.workshop.start(order))))
            }
            (admitted, _) => Ok((admitted, None)),
        }
    }
}
