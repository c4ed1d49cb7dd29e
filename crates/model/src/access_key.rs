//! Access keys: what programs sign their requests to the clouds' interfaces with.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Timestamp};

/// Names an access key: 16 to 128 letters and digits of ASCII. It opens nothing without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccessKeyId(String);

/// Why a text is not the id of an access key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to parse the access key id `{0}`: expected {SHORTEST} to {LONGEST} characters of A-Z, a-z and 0-9"
)]
pub struct AccessKeyIdError(String);

/// The shortest id.
const SHORTEST: usize = 16;

/// The longest id.
const LONGEST: usize = 128;

impl AccessKeyId {
    /// What the ids begin with that are made here, as the keys of the clouds' users do.
    const PREFIX: &'static str = "LTAI";

    /// The id behind whose prefix these letters and digits stand; they are to be random.
    ///
    /// # Errors
    /// Where they are others, or too many or too few.
    pub fn of_random(text: &str) -> Result<Self, AccessKeyIdError> {
        format!("{}{text}", Self::PREFIX).parse()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccessKeyId {
    type Err = AccessKeyIdError;

    fn from_str(text: &str) -> Result<Self, AccessKeyIdError> {
        let fits = (SHORTEST..=LONGEST).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match fits {
            true => Ok(Self(text.to_owned())),
            false => {
                let told: String = text.chars().take(LONGEST).collect();
                Err(AccessKeyIdError(told.escape_debug().to_string()))
            }
        }
    }
}

impl TryFrom<String> for AccessKeyId {
    type Error = AccessKeyIdError;

    fn try_from(text: String) -> Result<Self, AccessKeyIdError> {
        text.parse()
    }
}

impl From<AccessKeyId> for String {
    fn from(id: AccessKeyId) -> Self {
        id.0
    }
}

/// Whether an access key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessKeyStatus {
    /// It does.
    Enabled,
    /// Not now: whatever it signs is refused.
    Disabled,
}

impl AccessKeyStatus {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Enabled, Self::Disabled];

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }
}

impl fmt::Display for AccessKeyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A secret as the records keep it. Without the keys of the server it tells only its length.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(Vec<u8>);

impl SealedSecret {
    /// What was sealed elsewhere.
    #[must_use]
    pub fn from_bytes(sealed: Vec<u8>) -> Self {
        Self(sealed)
    }

    /// The sealed bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedSecret({} bytes)", self.0.len())
    }
}

/// An access key as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// Its id.
    pub id: AccessKeyId,
    /// In whose name it signs.
    pub account: AccountId,
    /// Its secret.
    pub secret: SealedSecret,
    /// Whether it signs.
    pub status: AccessKeyStatus,
    /// What it allows: a policy document, as it was given.
    pub policy: String,
    /// What it was made for, for people.
    pub label: String,
    /// When it was made.
    pub created: Timestamp,
    /// When a request last came with it, to the hour.
    pub last_used: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_and_refuses_ids() {
        let made = AccessKeyId::of_random(&"x".repeat(20)).unwrap();
        assert_eq!(made.to_string().parse(), Ok(made));
        for good in ["LTAI4FoDtpABCDEFGHIJ", "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", &"a".repeat(128)] {
            assert!(good.parse::<AccessKeyId>().is_ok(), "{good}");
        }
        for bad in ["", "LTAI", "STS.aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaä", &"a".repeat(129)] {
            assert!(bad.parse::<AccessKeyId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_sealed_secret_is_not_shown() {
        assert_eq!(format!("{:?}", SealedSecret::from_bytes(vec![1, 2, 3])), "SealedSecret(3 bytes)");
    }
}
