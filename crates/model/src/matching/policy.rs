//! Whose rules decide.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::CacheState;

/// Whose rules rank the caches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchPolicy {
    /// Alibaba ECI's: degree of match, closest size, newest.
    Alibaba,
    /// Tencent TKE's: same name, smaller, newer.
    Tencent,
    /// Our own: most bytes that need not be fetched.
    #[default]
    Content,
}

/// Why a text is not a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse the match policy `{0}`: expected `alibaba`, `tencent` or `content`")]
pub struct PolicyError(String);

impl MatchPolicy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Alibaba, Self::Tencent, Self::Content];

    /// The name as written and read.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alibaba => "alibaba",
            Self::Tencent => "tencent",
            Self::Content => "content",
        }
    }

    /// Whether a cache in that state may be taken. Both clouds match `Ready` alone; `content` whatever is usable.
    #[must_use]
    pub fn takes(self, state: CacheState) -> bool {
        match self {
            Self::Alibaba | Self::Tencent => state == CacheState::Ready,
            Self::Content => state.is_usable(),
        }
    }
}

impl fmt::Display for MatchPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MatchPolicy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or_else(|| PolicyError(text.to_owned()))
    }
}
