//! Changing a cache: what is said of it at once, its images by a build beside what it serves.

use std::collections::BTreeMap;

use metastore::{Admitted, BuildPlan, CacheEdit, ClientToken, NewBuild, Operation};
use model::{
    AccountId, ByteSize, CacheId, CacheName, CloudNotes, CopyCount, Elimination, Event, EventKind,
    EventReason, ImageCache, ImageSource, PolicyEdit, RegistryHost, RetentionDays, Staleness, TagChange,
    Tags,
};
use registry::Credentials;
use serde::Serialize;

use super::bounds::Asked;
use super::check_images;
use crate::fingerprint::{fingerprint, named};
use crate::{Engine, Error};

/// What is changed of a cache; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct CacheUpdate {
    /// Its name.
    pub name: Option<CacheName>,
    /// Of its policy: put over whatever the policy is by then.
    pub policy: PolicyEdit,
    /// Its images: built beside the ones that it serves. The same again: its tags are looked up anew.
    pub images: Option<Vec<ImageSource>>,
    /// The most that they may take. Without images it is changed at once, where what the cache serves fits it.
    pub size_limit: Option<ByteSize>,
    /// Credentials for its images' registries, in place of those that it has.
    pub credentials: Option<BTreeMap<RegistryHost, Credentials>>,
    /// What the cloud's call says beside, in place of what is known.
    pub notes: Option<CloudNotes>,
}

impl CacheUpdate {
    fn says_of_copies(&self) -> bool {
        self.policy.flash.is_some()
            || self.policy.flash_copies.is_some()
            || self.policy.standard_copies.is_some()
    }

    /// What is to be built, where something is.
    fn plan_over(&self, cache: &ImageCache) -> Option<BuildPlan> {
        let images = self.images.clone()?;
        Some(BuildPlan { images, size_limit: self.size_limit.unwrap_or(cache.size_limit) })
    }

    /// The names of what is changed, for people.
    fn words(&self) -> String {
        let words = [
            ("name", self.name.is_some()),
            ("retention", self.policy.retention.is_some()),
            ("eviction", self.policy.elimination.is_some()),
            ("staleness", self.policy.staleness.is_some()),
            ("copies", self.says_of_copies()),
            ("reuse of layers", self.policy.reuse_layers.is_some()),
            ("tags", self.policy.tags.is_some() || self.policy.retag.is_some()),
            ("images", self.images.is_some()),
            ("size", self.size_limit.is_some()),
            ("credentials", self.credentials.is_some()),
        ];
        let said: Vec<&str> =
            words.into_iter().filter(|(_, is_said)| *is_said).map(|(word, _)| word).collect();
        said.join(", ")
    }

    fn fingerprint(&self, cache: CacheId) -> [u8; 32] {
        #[derive(Serialize)]
        struct Business<'a> {
            cache: CacheId,
            name: &'a Option<CacheName>,
            retention: &'a Option<Option<RetentionDays>>,
            keeps_for_ever: bool,
            elimination: &'a Option<Elimination>,
            staleness: &'a Option<Staleness>,
            flash: Option<bool>,
            flash_copies: Option<CopyCount>,
            standard_copies: Option<CopyCount>,
            reuse_layers: Option<bool>,
            tags: &'a Option<Tags>,
            images: &'a Option<Vec<ImageSource>>,
            size_limit: Option<ByteSize>,
            credentials: Option<BTreeMap<&'a RegistryHost, &'a str>>,
            // Left out where there are none: so it was before there were notes.
            #[serde(skip_serializing_if = "Option::is_none")]
            notes: Option<&'a CloudNotes>,
            #[serde(skip_serializing_if = "Option::is_none")]
            retag: Option<&'a TagChange>,
        }
        fingerprint(&Business {
            cache,
            name: &self.name,
            retention: &self.policy.retention,
            keeps_for_ever: self.policy.retention == Some(None),
            elimination: &self.policy.elimination,
            staleness: &self.policy.staleness,
            flash: self.policy.flash,
            flash_copies: self.policy.flash_copies,
            standard_copies: self.policy.standard_copies,
            reuse_layers: self.policy.reuse_layers,
            tags: &self.policy.tags,
            images: &self.images,
            size_limit: self.size_limit,
            credentials: self.credentials.as_ref().map(named),
            notes: self.notes.as_ref(),
            retag: self.policy.retag.as_ref(),
        })
    }
}

impl Engine {
    /// Changes what is said of a cache at once. Other images are built beside the snapshot that it serves, which serves until the
    /// build has ended well, and is kept as a generation for a while afterwards. Where the build fails, the cache serves on as it
    /// did.
    ///
    /// # Errors
    /// [`Error::UnknownCache`]; [`Error::AmbiguousCache`]; [`Error::BadRequest`]; [`Error::OutOfBounds`]; [`Error::Vault`]; of
    /// the records: a build of it waits or runs already, what it serves does not fit the size, its deletion was asked for, its
    /// first build failed, the token was used for another request.
    pub async fn update_cache(
        &self,
        account: &AccountId,
        word: &str,
        update: &CacheUpdate,
        token: Option<ClientToken>,
    ) -> Result<Admitted, Error> {
        let (admitted, _) = self.update_with(account, word, update, token, false).await?;
        Ok(admitted)
    }

    /// The same; a build that it asks for is ours at once where it is to be made `here`.
    pub(super) async fn update_with(
        &self,
        account: &AccountId,
        word: &str,
        update: &CacheUpdate,
        token: Option<ClientToken>,
        here: bool,
    ) -> Result<(Admitted, Option<NewBuild>), Error> {
        let cache = self.find_cache_to_change(account, word).await?;
        if let Some(images) = &update.images {
            check_images(account, &cache.name, images)?;
        }
        let asked = Asked {
            size: update.size_limit,
            images: update.images.as_deref(),
            staleness: update.policy.staleness,
        };
        self.workshop.parts.settings.bounds.check(&cache.name, asked)?;
        let credentials = update.credentials.as_ref().map(|given| self.seal(cache.id, given)).transpose()?;
        let plan = update.plan_over(&cache);
        let edit = CacheEdit {
            name: update.name.clone(),
            policy: update.policy.clone(),
            // With images it is the build's, and the cache's when that has ended well.
            size_limit: update.size_limit.filter(|_| plan.is_none()),
            notes: update.notes.clone(),
            credentials,
        };
        let token =
            token.map(|token| self.token_use(token, Operation::UpdateCache, update.fingerprint(cache.id)));
        let build = plan.map(|plan| self.new_build(cache.id, plan, here));
        let mut events = vec![self.updated(&cache, update)];
        events.extend(
            build.iter().filter(|_| here).map(|build| self.workshop.build_started(cache.id, build.id)),
        );
        let now = self.clock().now();
        let admitted =
            self.records().update_cache(cache.id, &edit, build.as_ref(), token.as_ref(), &events, now).await;
        if let (Err(_), Some(build), true) = (&admitted, &build, here) {
            // Where only the answer was lost, nobody must take the build for one that runs.
            self.abandon(build.id).await;
        }
        self.workshop.signals.updated();
        Ok((admitted?, build))
    }

    fn updated(&self, cache: &ImageCache, update: &CacheUpdate) -> Event {
        let message = match update.words() {
            none if none.is_empty() => "nothing was changed".to_owned(),
            words => format!("changed: {words}"),
        };
        self.workshop.event(cache.id, EventKind::Normal, EventReason::Updated, message)
    }
}
