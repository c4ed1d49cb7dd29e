//! Use-case: which cache of an account serves some images best, and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use model::matching::{MatchCondition, MatchPolicy, MatchRequest, Ranking, WantedImage};
use model::{AccountId, ByteSize, CacheId, ImageSource, Platform, RegistryAccess, RegistryHost, Savings};
use registry::Credentials;

use crate::{BuildError, Engine, Error, chain};

/// Asks which cache serves some images best.
#[derive(Clone, Debug)]
pub struct MatchQuestion {
    /// The images.
    pub images: Vec<ImageSource>,
    /// The platform that they are wanted for.
    pub platform: Platform,
    /// Whose rules rank the caches.
    pub policy: MatchPolicy,
    /// What a cache must have to be taken.
    pub condition: MatchCondition,
    /// The instance's limit on temporary storage.
    pub space: Option<ByteSize>,
    /// How many caches taken, and how many left, are told.
    pub limit: usize,
    /// How the registries are spoken to for the images' layers; `None`: no registry is asked, and images are known by
    /// name alone.
    pub registries: Option<(RegistryAccess, BTreeMap<RegistryHost, Credentials>)>,
}

/// The answer to a [`MatchQuestion`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchAnswer {
    /// The caches, best first, and why.
    pub ranking: Ranking,
    /// Images whose layers are not known, since their registry could not tell, and why.
    pub by_name_only: Vec<(ImageSource, String)>,
}

impl Engine {
    /// Ranks the account's caches for a request. No other account's are looked at, and no registry is asked.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn match_images(
        &self,
        account: &AccountId,
        request: &MatchRequest,
        limit: usize,
    ) -> Result<Ranking, Error> {
        let indexes = &self.workshop.indexes;
        indexes.update(&self.workshop).await?;
        Ok(indexes.rank(account, request, limit))
    }

    /// Notes that a match picked a cache for a start that is not made here: it counts as a use at this time, and spares nothing.
    ///
    /// # Errors
    /// [`Error::UnknownCache`]; those of the records.
    pub async fn note_match(&self, account: &AccountId, cache: CacheId) -> Result<(), Error> {
        let cache = self.find_cache(account, &cache.to_string()).await?.cache;
        let noted = self.records().touch_cache_used(cache.id, Savings::default(), self.clock().now()).await;
        Ok(noted?)
    }

    /// Ranks the account's caches for images as a user names them. A registry that does not answer is no failure: its
    /// images are then matched by name alone.
    ///
    /// # Errors
    /// [`Error::NoImage`]; those of store and records.
    pub async fn explain_match(
        &self,
        account: &AccountId,
        question: &MatchQuestion,
    ) -> Result<MatchAnswer, Error> {
        if question.images.is_empty() {
            return Err(Error::NoImage);
        }
        let known = question
            .images
            .iter()
            .cloned()
            .map(|source| async move { self.with_layers(account, &source, question).await });
        let at_once = self.workshop.parts.settings.resolves.max(1);
        let known: Vec<_> = futures::stream::iter(known).buffered(at_once).collect().await;
        let (mut wanted, mut by_name_only) = (Vec::new(), Vec::new());
        for (source, known) in question.images.iter().zip(known) {
            wanted.push(known.unwrap_or_else(|error| {
                by_name_only.push((source.clone(), chain(&error)));
                WantedImage::named(source.clone())
            }));
        }
        let mut request = MatchRequest::new(wanted, question.platform.clone(), question.policy);
        (request.condition, request.space) = (question.condition, question.space);
        let ranking = self.match_images(account, &request, question.limit).await?;
        Ok(MatchAnswer { ranking, by_name_only })
    }

    async fn with_layers(
        &self,
        account: &AccountId,
        source: &ImageSource,
        question: &MatchQuestion,
    ) -> Result<WantedImage, Error> {
        let Some((access, credentials)) = &question.registries else {
            return Ok(WantedImage::named(source.clone()));
        };
        let registry = self.workshop.parts.registry.with(access, credentials.clone());
        let resolved = registry.resolve(source, &question.platform).await;
        let resolved = [Arc::new(resolved.map_err(|error| BuildError::Resolve(Arc::new(error)))?)];
        let own = self.workshop.own_layers(account, &resolved).await;
        self.wanted_image(&own, source, &resolved[0]).await
    }
}
