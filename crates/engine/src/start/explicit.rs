//! A cache that the user said: it is used as it is, or refused with its state.

use model::{AccountId, ImageCache, ImageSnapshot};

use super::candidates::Found;
use super::{StartChoice, StartWish};
use crate::build::BuildProgress;
use crate::{Engine, Error};

impl Engine {
    /// Starts from that cache alone. An image that it does not have is fetched; without a word about images it is the
    /// cache's only one.
    pub(super) async fn start_from(
        &self,
        account: &AccountId,
        wish: &StartWish,
        word: &str,
        progress: &BuildProgress,
    ) -> Result<StartChoice, Error> {
        let cache = self.find_cache(account, word).await?.cache;
        let snapshot = self.usable_snapshot(&cache).await?;
        let mut wish = wish.clone();
        if wish.images.is_empty() {
            let [only] = snapshot.images.as_slice() else {
                let images = snapshot.images.iter().map(|image| image.source.clone()).collect();
                return Err(Error::WhichImage { name: cache.name, images });
            };
            wish.images.push(only.source.clone());
        }
        let mut found = Found::new(cache, snapshot, &wish.images);
        let mut known = vec![None; wish.images.len()];
        self.look_again(&mut found, &wish, &mut known).await?;
        if found.is_whole()
            && let Some(hit) = self.hit(&found, &wish).await?
        {
            return Ok(hit);
        }
        self.resolve_missing(&wish, Some(&found), &mut known).await?;
        self.start_with(account, &wish, Some(found), known, progress).await
    }

    /// The image snapshot of a cache that may be started from.
    async fn usable_snapshot(&self, cache: &ImageCache) -> Result<ImageSnapshot, Error> {
        let not_usable = || Error::NotUsable {
            name: cache.name.clone(),
            id: cache.id,
            state: cache.state,
            is_deleting: cache.deleting.is_some(),
            failure: cache.failure.as_ref().map(|failure| failure.message.clone()),
        };
        if !cache.is_usable() {
            return Err(not_usable());
        }
        self.snapshot_of(cache).await?.ok_or_else(not_usable)
    }
}
