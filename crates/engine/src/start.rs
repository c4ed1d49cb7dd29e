//! Start with choice: which cache an instance starts from, and what is done about that which no cache has.
//!
//! | what is found | what starts | what is fetched |
//! | --- | --- | --- |
//! | a cache with everything (hit) | its image snapshot | nothing; no registry is asked, but for `strict` |
//! | a cache with a part (partly hit) | a snapshot of the instance's own: what the cache has, and the rest | layers that are not there for the account |
//! | none (miss) | a snapshot of the instance's own | layers that are not there for the account |
//!
//! A snapshot of the instance's own goes with the instance. Where the choice was automatic and no hit, an automatic cache of
//! the same images is made beside it, once however many ask ([`Engine::create_automatic_cache`]).
//!
//! From [`Engine::choose_start`] on until the instance is recorded ([`Engine::record_instance`]) a lease keeps the blobs.

mod automatic;
mod candidates;
mod choice;
mod explicit;
mod fetch;
mod record;
mod wish;

pub use choice::{StartChoice, StartOutcome};
pub use wish::{CacheChoice, StalenessWish, StartWish};

use std::sync::Arc;

use model::AccountId;
use model::matching::{MatchCondition, MatchRequest, WantedImage};
use registry::ResolvedImage;

use crate::build::BuildProgress;
use crate::{Engine, Error};
use candidates::Found;

impl Engine {
    /// Chooses what an instance starts from, and fetches what is missing. How far that is, `progress` shows.
    ///
    /// Dropping the call ends the fetching; finished layers stay until the next collection.
    ///
    /// # Errors
    /// [`Error::UnknownCache`] and [`Error::NotUsable`] (with the cache's state) of a cache that was said;
    /// [`Error::WhichImage`]; [`Error::NoImage`]; [`Error::Build`] where an image cannot be had, or under `strict` the registry
    /// does not answer; those of store and records.
    pub async fn choose_start(
        &self,
        account: &AccountId,
        wish: &StartWish,
        progress: &BuildProgress,
    ) -> Result<StartChoice, Error> {
        check_images(account, wish)?;
        match &wish.cache {
            CacheChoice::Only(word) => self.start_from(account, wish, word, progress).await,
            CacheChoice::None => self.start_without_cache(account, wish, progress).await,
            CacheChoice::Auto => self.start_from_best(account, wish, progress).await,
        }
    }

    async fn start_from_best(
        &self,
        account: &AccountId,
        wish: &StartWish,
        progress: &BuildProgress,
    ) -> Result<StartChoice, Error> {
        let named = wish.images.iter().cloned().map(WantedImage::named).collect();
        let mut known: Vec<Option<Arc<ResolvedImage>>> = vec![None; wish.images.len()];
        let mut found = self.best_named(account, &request(wish, named), wish).await?;
        if let Some(found) = &mut found {
            self.look_again(found, wish, &mut known).await?;
            if found.is_whole()
                && let Some(hit) = self.hit(found, wish).await?
            {
                return Ok(hit);
            }
        }
        // What is missing is known by its layers from here on: another cache may have more of them.
        self.resolve_missing(wish, found.as_ref(), &mut known).await?;
        if !has_moved(found.as_ref()) {
            let wanted = self.wanted_images(account, wish, &known).await?;
            if let Some(mut better) = self.best_of_all(account, &request(wish, wanted), wish).await? {
                self.look_again(&mut better, wish, &mut known).await?;
                found = Some(better);
            }
        }
        let found = found.filter(|found| found.fulfils(wish.condition));
        self.resolve_missing(wish, found.as_ref(), &mut known).await?;
        self.start_with(account, wish, found, known, progress).await
    }

    async fn start_without_cache(
        &self,
        account: &AccountId,
        wish: &StartWish,
        progress: &BuildProgress,
    ) -> Result<StartChoice, Error> {
        if wish.images.is_empty() {
            return Err(Error::NoImage);
        }
        let mut known = vec![None; wish.images.len()];
        self.resolve_missing(wish, None, &mut known).await?;
        self.start_with(account, wish, None, known, progress).await
    }
}

/// Whether the registry said that a tag means another image by now: then it is that cache with one image replaced.
fn has_moved(found: Option<&Found>) -> bool {
    found.is_some_and(|found| !found.moved.is_empty())
}

fn request(wish: &StartWish, images: Vec<WantedImage>) -> MatchRequest {
    let mut request = MatchRequest::new(images, wish.platform.clone(), wish.policy);
    (request.condition, request.space) = (wish.condition, wish.space);
    request
}

impl Found {
    fn fulfils(&self, condition: MatchCondition) -> bool {
        let whole = self.images.iter().flatten().count();
        match condition {
            MatchCondition::Any => true,
            // What was found whole by its layers alone was judged when it was ranked.
            MatchCondition::Perfect => self.moved.is_empty(),
            MatchCondition::AtLeast(least) => self.moved.is_empty() || whole >= least.get() as usize,
        }
    }
}

/// Files of this machine are for whoever acts on it, and for no other account.
fn check_images(account: &AccountId, wish: &StartWish) -> Result<(), Error> {
    if wish.images.is_empty() && !matches!(wish.cache, CacheChoice::Only(_)) {
        return Err(Error::NoImage);
    }
    let is_file = |image: &&model::ImageSource| !matches!(image, model::ImageSource::Registry(_));
    match wish.images.iter().find(is_file).filter(|_| *account != AccountId::local()) {
        Some(image) => Err(Error::ForeignFile { image: image.clone(), account: account.clone() }),
        None => Ok(()),
    }
}
