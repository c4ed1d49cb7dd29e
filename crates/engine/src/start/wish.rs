//! What an instance is to start from.

use std::collections::BTreeMap;

use model::matching::{MatchCondition, MatchPolicy};
use model::{ByteSize, ImageSource, InstanceId, Platform, RegistryAccess, RegistryHost};
use registry::Credentials;

/// Which cache a start may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CacheChoice {
    /// The best one by the wish's policy. Where none has everything, an automatic one is made beside.
    #[default]
    Auto,
    /// That one, by name or id, whatever it has. What it lacks is fetched.
    Only(String),
    /// None.
    None,
}

/// What a start does about a tag that may have moved, whatever the cache's own rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StalenessWish {
    /// What was built starts; no registry is asked.
    Pinned,
    /// What was built starts; the tags are looked at again behind it, and what has moved is built anew. Where no server runs,
    /// there is nobody to build: an event says what has moved.
    Refresh,
    /// The registry must say that the tag still means what was built; what has moved is fetched.
    Strict,
}

/// What an instance is to start from.
#[derive(Clone, Debug)]
pub struct StartWish {
    /// The instance.
    pub instance: InstanceId,
    /// Its images; none is said where a cache with one image is.
    pub images: Vec<ImageSource>,
    /// The platform that they are wanted for.
    pub platform: Platform,
    /// Which cache it may use.
    pub cache: CacheChoice,
    /// Whose rules rank the caches.
    pub policy: MatchPolicy,
    /// What a cache must have to be used.
    pub condition: MatchCondition,
    /// What is done about tags that may have moved; `None`: what the cache's policy says.
    pub staleness: Option<StalenessWish>,
    /// The instance's limit on temporary storage: larger caches are not used, and what is fetched must fit.
    pub space: Option<ByteSize>,
    /// How the registries are spoken to where something must be fetched.
    pub access: RegistryAccess,
    /// Credentials for them, beyond the server's own.
    pub credentials: BTreeMap<RegistryHost, Credentials>,
}

impl StartWish {
    /// A wish for these images from the best cache, about which nothing further is said.
    #[must_use]
    pub fn new(instance: InstanceId, images: Vec<ImageSource>, platform: Platform) -> Self {
        Self {
            instance,
            images,
            platform,
            cache: CacheChoice::Auto,
            policy: MatchPolicy::default(),
            condition: MatchCondition::Any,
            staleness: None,
            space: None,
            access: RegistryAccess::default(),
            credentials: BTreeMap::new(),
        }
    }
}
