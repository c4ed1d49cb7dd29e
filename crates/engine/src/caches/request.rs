//! Asking for a cache: recorded at once, built later by a server, or here by a command that acts on the data by itself.

use std::collections::{BTreeMap, HashSet};

use metastore::{
    Admission, Admitted, BuildPlan, ClientToken, CredentialOwner, NewBuild, Operation, SealedCredential,
    TokenUse,
};
use model::{
    AccountId, BuildId, ByteSize, CacheId, CacheName, CachePolicy, CloudNotes, Event, EventKind, EventReason,
    ImageCache, ImageSnapshotId, ImageSource, NewImageCache, Origin, Platform, RegistryAccess, RegistryHost,
};
use registry::Credentials;
use serde::Serialize;

use super::bounds::Asked;
use crate::build::BuildHandle;
use crate::fingerprint::{fingerprint, named};
use crate::{Engine, Error, VaultError};

/// The most images of one cache.
pub(super) const MOST_IMAGES: usize = 20;

/// How often room under a quota is made for one request: others may take it meanwhile.
const MOST_EVICTIONS: usize = 8;

/// A cache that somebody asks for.
#[derive(Clone, Debug)]
pub struct NewCacheRequest {
    /// Whose it will be.
    pub account: AccountId,
    /// Its name.
    pub name: CacheName,
    /// Its images, 1 to 20, none twice.
    pub images: Vec<ImageSource>,
    /// Which platform's images.
    pub platform: Platform,
    /// The most that the unpacked images may take; `None`: what the settings say.
    pub size_limit: Option<ByteSize>,
    /// What its owner says of it beside its images.
    pub policy: CachePolicy,
    /// How its images' registries are spoken to.
    pub access: RegistryAccess,
    /// Credentials for them, each for its own host alone.
    pub credentials: BTreeMap<RegistryHost, Credentials>,
    /// Who has it made.
    pub origin: Origin,
    /// What the cloud's call that asks for it says beside.
    pub notes: Option<CloudNotes>,
    /// A word by which this request is known again.
    pub token: Option<ClientToken>,
}

impl NewCacheRequest {
    /// A manual cache of these images about which nothing further is said.
    #[must_use]
    pub fn new(account: AccountId, name: CacheName, images: Vec<ImageSource>, platform: Platform) -> Self {
        Self {
            account,
            name,
            images,
            platform,
            size_limit: None,
            policy: CachePolicy::default(),
            access: RegistryAccess::default(),
            credentials: BTreeMap::new(),
            origin: Origin::Manual,
            notes: None,
            token: None,
        }
    }

    /// What tells this request from another of the same client token.
    fn fingerprint(&self) -> [u8; 32] {
        #[derive(Serialize)]
        struct Business<'a> {
            name: &'a CacheName,
            images: &'a [ImageSource],
            platform: &'a Platform,
            size_limit: Option<ByteSize>,
            policy: &'a CachePolicy,
            access: &'a RegistryAccess,
            credentials: BTreeMap<&'a RegistryHost, &'a str>,
            origin: Origin,
            // Left out where there are none: so it was before there were notes.
            #[serde(skip_serializing_if = "Option::is_none")]
            notes: Option<&'a CloudNotes>,
        }
        fingerprint(&Business {
            name: &self.name,
            images: &self.images,
            platform: &self.platform,
            size_limit: self.size_limit,
            policy: &self.policy,
            access: &self.access,
            credentials: named(&self.credentials),
            origin: self.origin,
            notes: self.notes.as_ref(),
        })
    }
}

/// A cache with its first build, both ready to be recorded.
pub(crate) struct Draft {
    pub(crate) cache: ImageCache,
    pub(crate) build: NewBuild,
    pub(crate) admission: Admission,
}

impl Engine {
    /// Records a cache and asks for its build, and returns at once. Room under a quota is made where the quota's rules let a
    /// cache go for it. A client token that was used for the same gives the cache of that time.
    ///
    /// # Errors
    /// [`Error::BadRequest`]; [`Error::OutOfBounds`]; [`Error::Vault`]; of the records: quota reached, token used for another
    /// request.
    pub async fn request_cache(&self, new: NewCacheRequest) -> Result<Admitted, Error> {
        let draft = self.draft(new, false)?;
        let events = [created(&self.workshop, &draft.cache)];
        let admitted = self.admit(&draft, &events).await?;
        self.workshop.signals.builds.notify_one();
        self.workshop.signals.changes.notify_one();
        Ok(admitted)
    }

    /// Records a cache and builds it here; takes up an interrupted build of the same name and images instead, where there
    /// is one. Returns as soon as the build runs. For commands that act on the data directory by themselves; the client
    /// token plays no part.
    ///
    /// # Errors
    /// Those of [`request_cache`](Self::request_cache). The build's own come from its handle.
    pub async fn create_cache(&self, new: NewCacheRequest) -> Result<BuildHandle, Error> {
        let new = NewCacheRequest { token: None, ..new };
        let (_, build) = self.create_here(new).await?;
        Ok(build.expect("only a client token makes a request one of before"))
    }

    pub(crate) fn draft(&self, new: NewCacheRequest, here: bool) -> Result<Draft, Error> {
        check_images(&new.account, &new.name, &new.images)?;
        self.check_bounds(&new)?;
        let (settings, now) = (&self.workshop.parts.settings, self.clock().now());
        let token =
            new.token.clone().map(|token| self.token_use(token, Operation::CreateCache, new.fingerprint()));
        let cache = ImageCache::asked_for(
            NewImageCache {
                account: new.account,
                name: new.name,
                origin: new.origin,
                images: new.images,
                platform: new.platform,
                size_limit: new.size_limit.unwrap_or(settings.default_size),
                policy: new.policy,
                access: new.access,
                notes: new.notes,
            },
            now,
        );
        let plan = BuildPlan { images: cache.images.clone(), size_limit: cache.size_limit };
        let build = self.new_build(cache.id, plan, here);
        let credentials = self.seal(cache.id, &new.credentials)?;
        Ok(Draft { cache, build, admission: Admission { quotas: settings.quotas, token, credentials } })
    }

    /// What a start has made is as large as its images need it.
    fn check_bounds(&self, new: &NewCacheRequest) -> Result<(), Error> {
        if new.origin == Origin::Automatic {
            return Ok(());
        }
        let asked =
            Asked { size: new.size_limit, images: Some(&new.images), staleness: Some(new.policy.staleness) };
        self.workshop.parts.settings.bounds.check(&new.name, asked)
    }

    /// A build to be recorded, that waits for a server, or is ours at once.
    pub(crate) fn new_build(&self, cache: CacheId, plan: BuildPlan, here: bool) -> NewBuild {
        NewBuild {
            id: BuildId::generate(),
            cache,
            snapshot: ImageSnapshotId::generate(),
            plan,
            owner: here.then(|| self.workshop.parts.owner.clone()),
            now: self.clock().now(),
        }
    }

    pub(crate) fn token_use(
        &self,
        token: ClientToken,
        operation: Operation,
        fingerprint: [u8; 32],
    ) -> TokenUse {
        let kept = self.workshop.parts.settings.client_tokens_kept;
        let kept = i64::try_from(kept.as_micros()).unwrap_or(i64::MAX);
        TokenUse { token, operation, fingerprint, kept_until: self.clock().now().plus_micros(kept) }
    }

    /// Seals credentials for a cache.
    pub(crate) fn seal(
        &self,
        cache: CacheId,
        credentials: &BTreeMap<RegistryHost, Credentials>,
    ) -> Result<Vec<SealedCredential>, VaultError> {
        let seal = |(registry, credentials): (&RegistryHost, &Credentials)| {
            let vault = self.workshop.parts.vault.as_deref();
            let vault = vault.ok_or_else(|| VaultError::NoKey { registry: registry.clone() })?;
            vault.seal(CredentialOwner::Cache(cache), registry, credentials)
        };
        credentials.iter().map(seal).collect()
    }

    /// Records a cache, deleting others for it where the quota's rules say so.
    pub(crate) async fn admit(&self, draft: &Draft, events: &[Event]) -> Result<Admitted, Error> {
        for _ in 0..MOST_EVICTIONS {
            let admitted =
                self.records().create_cache(&draft.cache, &draft.build, &draft.admission, events).await;
            match admitted {
                Err(metastore::Error::QuotaReached { evictable: Some(id), .. }) => {
                    self.evict(id, draft).await?;
                }
                admitted => return Ok(admitted?),
            }
        }
        let admitted =
            self.records().create_cache(&draft.cache, &draft.build, &draft.admission, events).await;
        Ok(admitted?)
    }

    /// Deletes a cache to make room for another. Where it cannot go any more, the records name another one when they are
    /// asked again.
    async fn evict(&self, id: CacheId, draft: &Draft) -> Result<(), Error> {
        let message = format!("deleted to make room for `{}`", draft.cache.name);
        let event = self.workshop.event(id, EventKind::Normal, EventReason::Evicted, message);
        match self.delete_recorded(id, event).await {
            // Another request was faster, or somebody has begun to use or build it since.
            Err(Error::Records(
                metastore::Error::NoCache(_)
                | metastore::Error::CacheInUse { .. }
                | metastore::Error::CacheBuilding { .. },
            )) => Ok(()),
            deleted => deleted.map(drop),
        }
    }
}

pub(crate) fn created(workshop: &crate::build::Workshop, cache: &ImageCache) -> Event {
    let images: Vec<String> = cache.images.iter().map(ToString::to_string).collect();
    let message = format!("`{}` of {}", cache.name, images.join(", "));
    workshop.event(cache.id, EventKind::Normal, EventReason::Created, message)
}

/// Refuses images that no cache can have. Files of this machine are for whoever acts on it, and for no other account.
pub(crate) fn check_images(
    account: &AccountId,
    name: &CacheName,
    images: &[ImageSource],
) -> Result<(), Error> {
    let bad = |why: String| Err(Error::BadRequest { name: name.clone(), why });
    if images.is_empty() || images.len() > MOST_IMAGES {
        return bad(format!("it has {} images; 1 to {MOST_IMAGES} are possible", images.len()));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = images.iter().find(|image| !seen.insert(*image)) {
        return bad(format!("the image {twice} is named twice"));
    }
    let of_this_machine = |image: &&ImageSource| !matches!(image, ImageSource::Registry(_));
    match images.iter().find(of_this_machine).filter(|_| *account != AccountId::local()) {
        Some(image) => {
            bad(format!("{image} is a file of the server; the account {account} may name registries"))
        }
        None => Ok(()),
    }
}
