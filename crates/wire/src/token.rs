//! Bearer tokens.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use model::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum Scope {
    /// Looking at caches, predictions and matches.
    #[serde(rename = "caches:read")]
    CachesRead,
    /// Creating, changing and deleting caches; looking at them as well.
    #[serde(rename = "caches:write")]
    CachesWrite,
    /// Looking at instances and their logs.
    #[serde(rename = "instances:read")]
    InstancesRead,
    /// Starting, entering and deleting instances; looking at them as well.
    #[serde(rename = "instances:write")]
    InstancesWrite,
    /// Everything, in the name of any account; tokens and collections.
    #[serde(rename = "admin")]
    Admin,
}

/// Why a text is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to parse the scope `{0}`: expected `caches:read`, `caches:write`, `instances:read`, `instances:write` or `admin`"
)]
pub struct ScopeError(String);

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] =
        [Self::CachesRead, Self::CachesWrite, Self::InstancesRead, Self::InstancesWrite, Self::Admin];

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CachesRead => "caches:read",
            Self::CachesWrite => "caches:write",
            Self::InstancesRead => "instances:read",
            Self::InstancesWrite => "instances:write",
            Self::Admin => "admin",
        }
    }

    /// Whether who has this scope may do what needs that one.
    #[must_use]
    pub fn includes(self, needed: Self) -> bool {
        match self {
            Self::Admin => true,
            Self::CachesWrite => matches!(needed, Self::CachesRead | Self::CachesWrite),
            Self::InstancesWrite => matches!(needed, Self::InstancesRead | Self::InstancesWrite),
            Self::CachesRead | Self::InstancesRead => self == needed,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or_else(|| ScopeError(text.to_owned()))
    }
}

/// Asks for a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "ci", "scopes": ["caches:write"], "expires_in_seconds": 2_592_000}))]
pub struct CreateToken {
    /// What it is for, for people; 1 to 128 characters.
    #[schema(min_length = 1, max_length = 128)]
    pub label: String,
    /// What it allows; at least one.
    #[schema(min_items = 1, value_type = Vec<Scope>)]
    pub scopes: BTreeSet<Scope>,
    /// Whose requests it makes; the caller's account where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub account: Option<AccountId>,
    /// When it ends, from now: 60 to 315360000 (ten years); 90 days where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 60, maximum = 315_360_000)]
    pub expires_in_seconds: Option<u64>,
}

/// A token as it is told; what opens is told once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its id, for revoking.
    #[schema(example = "0a1b2c3d4e5f6071")]
    pub id: String,
    /// What it is for.
    pub label: String,
    /// Whose requests it makes.
    pub account: String,
    /// What it allows.
    pub scopes: BTreeSet<Scope>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When it ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked: Option<Timestamp>,
    /// When a request last came with it, to the hour.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Timestamp>,
}

/// A token that was just made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedToken {
    /// What is known of it.
    #[serde(flatten)]
    pub token: Token,
    /// What opens: the text behind `Authorization: Bearer`. It is kept nowhere and told this once.
    #[schema(example = "imct_...")]
    pub secret: String,
}

impl fmt::Debug for CreatedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedToken").field("token", &self.token).finish_non_exhaustive()
    }
}

/// Tokens, in order of creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// The tokens.
    pub items: Vec<Token>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_includes_reading_of_its_own_kind_only() {
        assert!(Scope::CachesWrite.includes(Scope::CachesRead));
        assert!(!Scope::CachesRead.includes(Scope::CachesWrite));
        assert!(!Scope::CachesWrite.includes(Scope::InstancesRead));
        for scope in Scope::ALL {
            assert!(Scope::Admin.includes(scope));
            assert!(scope == Scope::Admin || !scope.includes(Scope::Admin));
            assert_eq!(scope.as_str().parse(), Ok(scope));
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
    }
}
