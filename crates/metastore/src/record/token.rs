//! Bearer tokens of the native API: only their digests are kept.

use std::collections::BTreeSet;

use model::{AccountId, Timestamp};

/// Names a token, for listing and revoking. It opens nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId(String);

impl TokenId {
    /// The id of the token with that digest: its first eight bytes in hexadecimal.
    #[must_use]
    pub fn of(digest: &[u8; 32]) -> Self {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(16);
        for byte in &digest[..8] {
            write!(text, "{byte:02x}").expect("a string takes what it is given");
        }
        Self(text)
    }

    /// An id as a user says it, whether there is such a token or not; `None` where it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// SHA-256 of the token.
    pub digest: [u8; 32],
    /// Whose requests it makes.
    pub account: AccountId,
    /// What it was made for, for people.
    pub label: String,
    /// What it allows, in the words of the API.
    pub scopes: BTreeSet<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends; `None`: when it is revoked.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// When a request last came with it, to the hour.
    pub last_used: Option<Timestamp>,
}

impl TokenRecord {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> TokenId {
        TokenId::of(&self.digest)
    }

    /// Whether it opens anything at that time.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}
