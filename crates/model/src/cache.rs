//! The image cache: what the user creates, and the states it goes through.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, ByteSize, CacheId, CacheName, CachePolicy, CloudNotes, Generation, ImageSnapshotId,
    ImageSource, Origin, Percent, Platform, RegistryAccess, SnapshotCopies, Timestamp,
};

/// Where a cache is in its life. The clouds' words for it are made at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub enum CacheState {
    /// Recorded; the build has not begun.
    Preparing,
    /// The first build runs.
    Creating,
    /// Usable.
    Ready,
    /// A further build runs; the snapshot before it is usable meanwhile.
    Updating,
    /// A further build failed; the snapshot before it is usable still.
    UpdateFailed,
    /// The first build failed.
    Failed,
}

/// A step that the states do not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to change the cache's state from {from} to {to}: there is no such step")]
pub struct TransitionError {
    from: CacheState,
    to: CacheState,
}

impl CacheState {
    /// Every state, in the order of a cache's life.
    pub const ALL: [Self; 6] =
        [Self::Preparing, Self::Creating, Self::Ready, Self::Updating, Self::UpdateFailed, Self::Failed];

    /// Whether instances may start from the cache.
    #[must_use]
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Ready | Self::Updating | Self::UpdateFailed)
    }

    /// Whether a build runs or is due.
    #[must_use]
    pub fn is_building(self) -> bool {
        matches!(self, Self::Preparing | Self::Creating | Self::Updating)
    }

    /// The name as printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "Preparing",
            Self::Creating => "Creating",
            Self::Ready => "Ready",
            Self::Updating => "Updating",
            Self::UpdateFailed => "UpdateFailed",
            Self::Failed => "Failed",
        }
    }

    /// The step to another state.
    ///
    /// # Errors
    /// [`TransitionError`] where the cache's life has no such step.
    pub fn step(self, to: Self) -> Result<Self, TransitionError> {
        use CacheState::{Creating, Failed, Preparing, Ready, UpdateFailed, Updating};
        let allowed = matches!(
            (self, to),
            (Preparing, Creating | Failed)
                | (Creating, Ready | Failed)
                | (Ready | UpdateFailed, Updating)
                | (Updating, Ready | UpdateFailed)
        );
        if allowed { Ok(to) } else { Err(TransitionError { from: self, to }) }
    }
}

impl fmt::Display for CacheState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CacheState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("unknown state `{text}`"))
    }
}

/// Why a build failed, as the record keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildFailure {
    /// A stable word, as `image-not-found`.
    pub reason: String,
    /// The chain of causes, for people.
    pub message: String,
}

/// A named set of images kept as an image snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageCache {
    /// Its id.
    pub id: CacheId,
    /// Its name, not unique.
    pub name: CacheName,
    /// Where it is in its life.
    pub state: CacheState,
    /// The images, as the user asked for them.
    pub images: Vec<ImageSource>,
    /// Which platform's images.
    pub platform: Platform,
    /// The most that its unpacked images may take, and the most that an instance's upper may.
    pub size_limit: ByteSize,
    /// The image snapshot it serves, once there is one.
    pub snapshot: Option<ImageSnapshotId>,
    /// Unpacked bytes of that snapshot.
    pub unpacked_size: Option<ByteSize>,
    /// Why the last build failed, if it did.
    pub failure: Option<BuildFailure>,
    /// When it was created.
    pub created: Timestamp,
    /// When its record last changed.
    pub updated: Timestamp,
    /// When an instance last started from it.
    pub last_used: Option<Timestamp>,
    /// Who owns it.
    pub account: AccountId,
    /// Who had it made.
    pub origin: Origin,
    /// What its owner says of it beside its images.
    pub policy: CachePolicy,
    /// How its images' registries are spoken to.
    pub access: RegistryAccess,
    /// What it served before its last updates and can go back to, newest first.
    pub generations: Vec<Generation>,
    /// How far its running build is; 100 % where none runs and it is usable.
    pub progress: Percent,
    /// Where the copies of its snapshot are.
    pub copies: SnapshotCopies,
    /// What its starts spared.
    pub savings: Savings,
    /// When its tags were last compared with the registry.
    pub checked: Option<Timestamp>,
    /// When its deletion was asked for; it goes once nothing uses it, and serves no new start.
    pub deleting: Option<Timestamp>,
    /// What the cloud's call that asked for it said beside.
    #[serde(default)]
    pub notes: Option<CloudNotes>,
}

/// What the starts from a cache spared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Savings {
    /// How many instances started from it.
    pub starts: u64,
    /// Bytes as served that these did not fetch.
    pub fetched_bytes: ByteSize,
    /// Milliseconds that these did not spend on pulling and unpacking, by what the builds took.
    pub milliseconds: u64,
}

impl Savings {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            starts: self.starts.saturating_add(other.starts),
            fetched_bytes: self.fetched_bytes.plus(other.fetched_bytes),
            milliseconds: self.milliseconds.saturating_add(other.milliseconds),
        }
    }
}

impl ImageCache {
    /// A cache that was just asked for: `Preparing`, without a snapshot.
    #[must_use]
    pub fn asked_for(new: NewImageCache, now: Timestamp) -> Self {
        Self {
            id: CacheId::generate(),
            name: new.name,
            state: CacheState::Preparing,
            images: new.images,
            platform: new.platform,
            size_limit: new.size_limit,
            snapshot: None,
            unpacked_size: None,
            failure: None,
            created: now,
            updated: now,
            last_used: None,
            account: new.account,
            origin: new.origin,
            policy: new.policy,
            access: new.access,
            generations: Vec::new(),
            progress: Percent::ZERO,
            copies: SnapshotCopies::default(),
            savings: Savings::default(),
            checked: None,
            deleting: None,
            notes: new.notes,
        }
    }

    /// Whether instances may start from it.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.state.is_usable() && self.snapshot.is_some() && self.deleting.is_none()
    }
}

/// What is said of a cache when it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImageCache {
    /// Who owns it.
    pub account: AccountId,
    /// Its name.
    pub name: CacheName,
    /// Who had it made.
    pub origin: Origin,
    /// Its images.
    pub images: Vec<ImageSource>,
    /// Which platform's images.
    pub platform: Platform,
    /// The most that its unpacked images may take.
    pub size_limit: ByteSize,
    /// What its owner says of it beside its images.
    pub policy: CachePolicy,
    /// How its images' registries are spoken to.
    pub access: RegistryAccess,
    /// What the cloud's call that asks for it says beside.
    pub notes: Option<CloudNotes>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_step_leads_out_of_failed_or_back_to_preparing() {
        for state in CacheState::ALL {
            assert!(CacheState::Failed.step(state).is_err());
            assert!(state.step(CacheState::Preparing).is_err());
        }
    }

    #[test]
    fn an_update_never_ends_in_a_state_that_is_not_usable() {
        for state in CacheState::ALL {
            if let Ok(to) = CacheState::Updating.step(state) {
                assert!(to.is_usable());
            }
        }
    }

    #[test]
    fn names_there_and_back() {
        for state in CacheState::ALL {
            assert_eq!(state.to_string().parse(), Ok(state));
        }
    }
}
