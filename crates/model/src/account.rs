//! Accounts: who owns caches. No account sees, matches or reuses another's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// An account as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// What it is for, for people; may be empty.
    pub label: String,
    /// When it was recorded.
    pub created: Timestamp,
}

impl Account {
    /// That of whoever acts on this machine: it is there before anything is recorded.
    #[must_use]
    pub fn local() -> Self {
        Self { id: AccountId::local(), label: String::new(), created: Timestamp::from_micros(0) }
    }
}

/// Names an account: 1 to 64 characters of a-z, 0-9, `-` and `_`, beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

/// Why a text is not an account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to parse the account `{0}`: expected 1 to {LONGEST} characters of a-z, 0-9, `-` and `_`, beginning with a \
     letter or digit"
)]
pub struct AccountError(String);

/// The longest account id, in bytes.
const LONGEST: usize = 64;

/// The account of whoever acts on the data directory itself, and of requests that name none.
const LOCAL: &str = "local";

impl AccountId {
    /// The account of whoever acts on this machine without naming one.
    #[must_use]
    pub fn local() -> Self {
        Self(LOCAL.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for AccountId {
    fn default() -> Self {
        Self::local()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccountId {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        let bytes = text.as_bytes();
        let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = bytes.len() <= LONGEST
            && bytes.first().is_some_and(plain)
            && bytes.iter().all(|byte| plain(byte) || matches!(byte, b'-' | b'_'));
        if fits { Ok(Self(text.to_owned())) } else { Err(AccountError(text.to_owned())) }
    }
}

impl TryFrom<String> for AccountId {
    type Error = AccountError;

    fn try_from(text: String) -> Result<Self, AccountError> {
        text.parse()
    }
}

impl From<AccountId> for String {
    fn from(account: AccountId) -> Self {
        account.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_and_refuses() {
        for good in ["local", "1234567890123456", "team-a_b"] {
            assert_eq!(good.parse::<AccountId>().map(|account| account.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "-a", "_a", "A", "a.b", "a/b", "ä", &"a".repeat(65)] {
            assert!(bad.parse::<AccountId>().is_err(), "{bad}");
        }
    }
}
