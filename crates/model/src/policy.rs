//! What a user says of a cache beside its images: how long it is kept, how it is copied, what it does when a tag moves.

mod edit;

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ByteSize, ImageSnapshotId, ImageSource, RegistryHost, Tags, Timestamp};

pub use edit::PolicyEdit;

/// Who had a cache made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A user, by name.
    #[default]
    Manual,
    /// A start that no cache matched.
    Automatic,
}

impl Origin {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Manual, Self::Automatic];

    /// The word as printed and stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Automatic => "automatic",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many days after its creation a cache is deleted: 1 to 65536.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct RetentionDays(NonZeroU32);

/// Why a number is not one of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to take {0} as retention days: expected 1 to {most}", most = RetentionDays::MOST)]
pub struct RetentionError(u32);

impl RetentionDays {
    /// The most days.
    pub const MOST: u32 = 65_536;

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl TryFrom<u32> for RetentionDays {
    type Error = RetentionError;

    fn try_from(days: u32) -> Result<Self, RetentionError> {
        NonZeroU32::new(days).filter(|days| days.get() <= Self::MOST).map(Self).ok_or(RetentionError(days))
    }
}

impl From<RetentionDays> for u32 {
    fn from(days: RetentionDays) -> Self {
        days.get()
    }
}

/// Whether a cache may be deleted to make room under a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Elimination {
    /// Never.
    #[default]
    Keep,
    /// The least recently used goes first.
    Lru,
}

/// What a start does about a tag that may have moved since the cache was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "rule")]
pub enum Staleness {
    /// What was built is what starts; no registry is asked.
    #[default]
    Pinned,
    /// What was built is what starts; behind it the tags are looked at again, and the cache is updated where one moved.
    Refresh {
        /// Seconds between two looks.
        interval_seconds: RefreshSeconds,
    },
    /// The registry must say at every start that the tag still means what was built.
    Strict,
}

/// Seconds between two looks at a cache's tags: a minute to a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct RefreshSeconds(NonZeroU32);

/// Why a number is not an interval between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to take {0} seconds as a refresh interval: expected {least} to {most}",
    least = RefreshSeconds::LEAST, most = RefreshSeconds::MOST
)]
pub struct RefreshError(u32);

impl RefreshSeconds {
    /// A minute: registries count requests.
    pub const LEAST: u32 = 60;
    /// A year.
    pub const MOST: u32 = 365 * 24 * 3600;

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl TryFrom<u32> for RefreshSeconds {
    type Error = RefreshError;

    fn try_from(seconds: u32) -> Result<Self, RefreshError> {
        let fits = |seconds: &NonZeroU32| (Self::LEAST..=Self::MOST).contains(&seconds.get());
        NonZeroU32::new(seconds).filter(fits).map(Self).ok_or(RefreshError(seconds))
    }
}

impl From<RefreshSeconds> for u32 {
    fn from(seconds: RefreshSeconds) -> Self {
        seconds.get()
    }
}

/// How often a snapshot is to be stored or served: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct CopyCount(NonZeroU32);

/// Why a number is not a count of copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to take {0} as a number of copies: expected 1 to {most}", most = CopyCount::MOST)]
pub struct CopyCountError(u32);

impl CopyCount {
    /// The most copies.
    pub const MOST: u32 = 100;
    /// One.
    pub const ONE: Self = Self(NonZeroU32::MIN);

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl Default for CopyCount {
    fn default() -> Self {
        Self::ONE
    }
}

impl TryFrom<u32> for CopyCount {
    type Error = CopyCountError;

    fn try_from(count: u32) -> Result<Self, CopyCountError> {
        NonZeroU32::new(count)
            .filter(|count| count.get() <= Self::MOST)
            .map(Self)
            .ok_or(CopyCountError(count))
    }
}

impl From<CopyCount> for u32 {
    fn from(count: CopyCount) -> Self {
        count.get()
    }
}

/// How a cache's snapshot is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CopyPlan {
    /// Whether it is usable as soon as the flash snapshot is complete; the standard one follows.
    pub flash: bool,
    /// How many nodes hold and serve the flash snapshot.
    pub flash_copies: CopyCount,
    /// How many times the standard snapshot is stored.
    pub standard_copies: CopyCount,
}

/// What a user says of a cache beside its images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CachePolicy {
    /// When it is deleted; `None`: when somebody deletes it.
    pub retention: Option<RetentionDays>,
    /// Whether it makes room under a quota.
    pub elimination: Elimination,
    /// What a start does about a tag that may have moved.
    pub staleness: Staleness,
    /// How its snapshot is kept.
    pub copies: CopyPlan,
    /// Whether its build may take layers that other caches of the account brought.
    pub reuse_layers: bool,
    /// Its tags.
    pub tags: Tags,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            retention: None,
            elimination: Elimination::Keep,
            staleness: Staleness::Pinned,
            copies: CopyPlan::default(),
            reuse_layers: true,
            tags: Tags::default(),
        }
    }
}

/// How the registries of a cache's images are spoken to, beyond what the server is set to. Builds that come later (updates,
/// refreshes) speak to them in the same way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistryAccess {
    /// Spoken to by plain HTTP.
    pub plain_http: BTreeSet<RegistryHost>,
    /// Their certificates are not checked.
    pub insecure: BTreeSet<RegistryHost>,
}

impl RegistryAccess {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.plain_http.is_empty() && self.insecure.is_empty()
    }
}

/// An image snapshot that a cache had before its last update, kept for a while to go back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// The snapshot.
    pub snapshot: ImageSnapshotId,
    /// The images that it was made from.
    pub images: Vec<ImageSource>,
    /// Its unpacked bytes.
    pub unpacked_size: ByteSize,
    /// When another took its place.
    pub replaced: Timestamp,
    /// Until when it is kept.
    pub kept_until: Timestamp,
}

/// A part of a hundred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percent(u8);

impl Percent {
    /// Nothing of it.
    pub const ZERO: Self = Self(0);
    /// All of it.
    pub const ALL: Self = Self(100);

    /// That part of the whole, rounded down, so that 100 % is said of what is complete only. Of nothing, all is done.
    #[must_use]
    pub fn of(part: u64, whole: u64) -> Self {
        if part >= whole {
            return Self::ALL;
        }
        let percent = u128::from(part) * 100 / u128::from(whole);
        Self(u8::try_from(percent).expect("part < whole"))
    }

    /// The number, 0 to 100; a larger one is taken for 100.
    #[must_use]
    pub fn new(percent: u8) -> Self {
        Self(percent.min(100))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// Where one kind of copy of a cache's snapshot is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum CopyState {
    /// There is none, and none is being made.
    #[default]
    Absent,
    /// It is being made.
    Copying {
        /// How far.
        progress: Percent,
    },
    /// It is whole and serves.
    Complete,
}

/// The copies of the snapshot that a cache serves or is having built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SnapshotCopies {
    /// On the builder's own disk: usable at once.
    pub flash: CopyState,
    /// In the durable store.
    pub standard: CopyState,
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|origin| origin.as_str() == text)
            .ok_or_else(|| format!("unknown origin `{text}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_kept_wherever_a_number_comes_from() {
        assert!(RetentionDays::try_from(0).is_err() && RetentionDays::try_from(65_537).is_err());
        assert_eq!(RetentionDays::try_from(65_536).unwrap().get(), 65_536);
        assert!(RefreshSeconds::try_from(59).is_err() && RefreshSeconds::try_from(60).is_ok());
        assert!(CopyCount::try_from(0).is_err() && CopyCount::try_from(101).is_err());
        assert!(serde_json::from_str::<RetentionDays>("0").is_err());
        assert!(serde_json::from_str::<CachePolicy>(r#"{"retention":1,"colour":2}"#).is_err());
    }

    #[test]
    fn a_policy_is_what_its_document_says() {
        let text = r#"{"retention":7,"elimination":"lru","staleness":{"rule":"refresh","interval_seconds":3600},"copies":{"flash":true}}"#;
        let policy: CachePolicy = serde_json::from_str(text).unwrap();
        assert_eq!(policy.retention.map(RetentionDays::get), Some(7));
        assert_eq!(policy.elimination, Elimination::Lru);
        assert!(
            matches!(policy.staleness, Staleness::Refresh { interval_seconds } if interval_seconds.get() == 3600)
        );
        assert!(
            policy.copies.flash && policy.copies.standard_copies == CopyCount::ONE && policy.reuse_layers
        );
        let again = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<CachePolicy>(&again).unwrap(), policy);
    }

    #[test]
    fn a_hundred_percent_is_said_of_the_whole_only() {
        assert_eq!(Percent::of(999, 1000).get(), 99);
        assert_eq!(Percent::of(1000, 1000), Percent::ALL);
        assert_eq!(Percent::of(0, 0), Percent::ALL);
        assert_eq!(Percent::of(u64::MAX - 1, u64::MAX).get(), 99);
        assert_eq!(Percent::of(1, 3).to_string(), "33%");
    }
}
