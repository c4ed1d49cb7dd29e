//! The words of a cache's policy and state.

use model::{Percent, RefreshSeconds};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! words {
    ($(#[$attribute:meta])* $name:ident of $model:ident { $($(#[$word_doc:meta])* $word:ident,)* }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        $(#[$attribute])*
        pub enum $name {
            $($(#[$word_doc])* $word,)*
        }

        impl From<model::$model> for $name {
            fn from(value: model::$model) -> Self {
                match value { $(model::$model::$word => Self::$word,)* }
            }
        }

        impl From<$name> for model::$model {
            fn from(value: $name) -> Self {
                match value { $($name::$word => Self::$word,)* }
            }
        }
    };
}

words! {
    /// Who had a cache made.
    #[serde(rename_all = "lowercase")]
    Origin of Origin {
        /// A user.
        Manual,
        /// A start that no cache matched.
        Automatic,
    }
}
words! {
    /// Whether a cache may be deleted to make room under a quota.
    #[serde(rename_all = "lowercase")]
    Eviction of Elimination {
        /// Never.
        Keep,
        /// The least recently used goes first.
        Lru,
    }
}

words! {
    /// Where a cache is in its life.
    CacheState of CacheState {
        /// Recorded; the build waits for its turn.
        Preparing,
        /// The first build runs.
        Creating,
        /// Usable.
        Ready,
        /// A further build waits or runs; the image snapshot before it is usable meanwhile.
        Updating,
        /// A further build failed; the image snapshot before it is usable still.
        UpdateFailed,
        /// The first build failed.
        Failed,
    }
}

/// Whose rules rank the caches for a start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
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

impl MatchPolicy {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alibaba => "alibaba",
            Self::Tencent => "tencent",
            Self::Content => "content",
        }
    }
}

/// What a start does about a tag that may have moved since the cache was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase", tag = "rule", deny_unknown_fields)]
pub enum Staleness {
    /// What was built is what starts; no registry is asked.
    #[default]
    Pinned,
    /// What was built is what starts; the tags are looked at again behind it, and the cache is updated where one moved.
    Refresh {
        /// Seconds between two looks: a minute to a year.
        #[schema(value_type = u32, minimum = 60, maximum = 31_536_000, example = 3600)]
        interval_seconds: RefreshSeconds,
    },
    /// The registry must say at every start that the tag still means what was built.
    Strict,
}

impl From<model::Staleness> for Staleness {
    fn from(staleness: model::Staleness) -> Self {
        match staleness {
            model::Staleness::Pinned => Self::Pinned,
            model::Staleness::Refresh { interval_seconds } => Self::Refresh { interval_seconds },
            model::Staleness::Strict => Self::Strict,
        }
    }
}

impl From<Staleness> for model::Staleness {
    fn from(staleness: Staleness) -> Self {
        match staleness {
            Staleness::Pinned => Self::Pinned,
            Staleness::Refresh { interval_seconds } => Self::Refresh { interval_seconds },
            Staleness::Strict => Self::Strict,
        }
    }
}

/// Where one kind of copy of a cache's image snapshot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum CopyState {
    /// There is none, and none is being made.
    Absent,
    /// It is being made.
    Copying {
        /// How far, in percent.
        progress_percent: u8,
    },
    /// It is whole and serves.
    Complete,
}

impl From<model::CopyState> for CopyState {
    fn from(state: model::CopyState) -> Self {
        match state {
            model::CopyState::Absent => Self::Absent,
            model::CopyState::Copying { progress } => Self::Copying { progress_percent: progress.get() },
            model::CopyState::Complete => Self::Complete,
        }
    }
}

impl From<CopyState> for model::CopyState {
    fn from(state: CopyState) -> Self {
        match state {
            CopyState::Absent => Self::Absent,
            CopyState::Copying { progress_percent } => {
                Self::Copying { progress: Percent::new(progress_percent) }
            }
            CopyState::Complete => Self::Complete,
        }
    }
}

/// Where the copies of a cache's image snapshot are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Copies {
    /// On the builder's own disk: usable at once.
    pub flash: CopyState,
    /// In the durable store.
    pub standard: CopyState,
}

impl From<model::SnapshotCopies> for Copies {
    fn from(copies: model::SnapshotCopies) -> Self {
        Self { flash: copies.flash.into(), standard: copies.standard.into() }
    }
}
