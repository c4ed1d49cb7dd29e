//! A size that is known, or a range that it will lie in.

use serde::{Deserialize, Serialize};

use crate::ByteSize;

/// A size, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "certainty", rename_all = "lowercase")]
pub enum Expected {
    /// It is this.
    Exact {
        /// The size.
        bytes: ByteSize,
    },
    /// It is not known. `low <= likely <= high`.
    Estimated {
        /// It is hardly less.
        low: ByteSize,
        /// The best guess.
        likely: ByteSize,
        /// It is hardly more.
        high: ByteSize,
    },
}

impl Default for Expected {
    fn default() -> Self {
        Self::Exact { bytes: ByteSize::ZERO }
    }
}

impl Expected {
    /// A range around a guess; one that is exact where all three are the same.
    #[must_use]
    pub(super) fn between(low: u64, likely: u64, high: u64) -> Self {
        let likely = likely.max(low);
        Self::Estimated {
            low: ByteSize::bytes(low),
            likely: ByteSize::bytes(likely),
            high: ByteSize::bytes(high.max(likely)),
        }
    }

    /// The low end.
    #[must_use]
    pub fn low(self) -> ByteSize {
        match self {
            Self::Exact { bytes } => bytes,
            Self::Estimated { low, .. } => low,
        }
    }

    /// The best guess.
    #[must_use]
    pub fn likely(self) -> ByteSize {
        match self {
            Self::Exact { bytes } => bytes,
            Self::Estimated { likely, .. } => likely,
        }
    }

    /// The high end.
    #[must_use]
    pub fn high(self) -> ByteSize {
        match self {
            Self::Exact { bytes } => bytes,
            Self::Estimated { high, .. } => high,
        }
    }

    /// Whether it is known.
    #[must_use]
    pub fn is_exact(self) -> bool {
        matches!(self, Self::Exact { .. })
    }

    /// Both together; exact where both are.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Exact { bytes: a }, Self::Exact { bytes: b }) => Self::Exact { bytes: a.plus(b) },
            (a, b) => Self::Estimated {
                low: a.low().plus(b.low()),
                likely: a.likely().plus(b.likely()),
                high: a.high().plus(b.high()),
            },
        }
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact { bytes } => write!(f, "{bytes}"),
            Self::Estimated { low, likely, high } => write!(f, "about {likely} ({low} to {high})"),
        }
    }
}
