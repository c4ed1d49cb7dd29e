//! What is asked with a new or changed cache beside its record: room under a quota, and to be answered once.

use std::str::FromStr;

use model::rules::Quotas;
use model::{ByteSize, CacheName, CloudNotes, ImageCache, PolicyEdit, Timestamp};

use crate::SealedCredential;

/// A word of the caller's by which a request that comes again is told from a further one: 1 to 64 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientToken(String);

/// Why a text is not a client token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to take the client token `{0}`: expected 1 to {LONGEST} visible ASCII characters")]
pub struct ClientTokenError(String);

/// The longest client token, as both vendors' interfaces have it.
const LONGEST: usize = 64;

impl ClientToken {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientToken {
    type Err = ClientTokenError;

    fn from_str(text: &str) -> Result<Self, ClientTokenError> {
        let fits = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(ClientTokenError(text.chars().take(LONGEST).collect()))
        }
    }
}

/// What a client token was said with. A token means nothing to another account or operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Creating a cache.
    CreateCache,
    /// Creating a cache for a start that no cache matched: its word is made of the images, so that however many ask at
    /// once get one.
    CreateAutomaticCache,
    /// Changing a cache.
    UpdateCache,
}

impl Operation {
    /// The word as stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateCache => "create-cache",
            Self::CreateAutomaticCache => "create-automatic-cache",
            Self::UpdateCache => "update-cache",
        }
    }
}

/// A client token with what it is said with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUse {
    /// The word.
    pub token: ClientToken,
    /// What it is said with.
    pub operation: Operation,
    /// SHA-256 over the request's business parameters: the same word with others is refused.
    pub fingerprint: [u8; 32],
    /// Until when it is remembered; afterwards the same word is a new one.
    pub kept_until: Timestamp,
}

/// What is asked with a new cache beside its record.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// The account's quotas; the default admits as many as the defaults of [`Quotas`] say.
    pub quotas: Quotas,
    /// To be answered once.
    pub token: Option<TokenUse>,
    /// Credentials for its images' registries, sealed.
    pub credentials: Vec<SealedCredential>,
}

/// The answer to a request that may have come before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// It is done now.
    Now(ImageCache),
    /// It was done before, by a request of the same token; the cache as it is now (as it was then, where it is gone).
    Before(ImageCache),
}

impl Admitted {
    /// The cache, whenever it was done.
    #[must_use]
    pub fn into_cache(self) -> ImageCache {
        match self {
            Self::Now(cache) | Self::Before(cache) => cache,
        }
    }
}

/// What is changed of a cache at once; `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheEdit {
    /// Its name.
    pub name: Option<CacheName>,
    /// Of its policy.
    pub policy: PolicyEdit,
    /// The most that its images may take.
    pub size_limit: Option<ByteSize>,
    /// What the cloud's call says beside, in place of what is known.
    pub notes: Option<CloudNotes>,
    /// Credentials for its images' registries, in place of those that it has.
    pub credentials: Option<Vec<SealedCredential>>,
}
