//! The cloud's words from ours, and ours from the cloud's.

mod asked;
mod events;
mod shown;

use model::{CacheState, ImageSnapshotId, Origin};

use super::{ImageCacheType, Status};

pub use asked::{Wanted, access, ids, match_request, policy, sources, unknown_cache, wanted, wrong_state};
pub use events::events;
pub use shown::{Given, image_cache};

/// The status of a cache in that state.
#[must_use]
pub fn status(state: CacheState) -> Status {
    match state {
        CacheState::Preparing | CacheState::Creating => Status::Pending,
        CacheState::Ready => Status::Ready,
        CacheState::Updating => Status::Updating,
        CacheState::UpdateFailed => Status::UpdateFailed,
        CacheState::Failed => Status::Failed,
    }
}

/// The states that have that status.
#[must_use]
pub fn states(status: Status) -> &'static [CacheState] {
    match status {
        Status::Pending => &[CacheState::Preparing, CacheState::Creating],
        Status::Ready => &[CacheState::Ready],
        Status::Updating => &[CacheState::Updating],
        Status::UpdateFailed => &[CacheState::UpdateFailed],
        Status::Failed => &[CacheState::Failed],
    }
}

/// Whether a cache in that state can be updated; else the answer is [`wrong_state`].
#[must_use]
pub fn may_update(state: CacheState) -> bool {
    matches!(state, CacheState::Ready | CacheState::UpdateFailed)
}

/// Who had a cache made.
#[must_use]
pub fn cache_type(origin: Origin) -> ImageCacheType {
    match origin {
        Origin::Manual => ImageCacheType::Manual,
        Origin::Automatic => ImageCacheType::Auto,
    }
}

/// A snapshot's id with the cloud's prefix; empty where there is none.
#[must_use]
pub fn snapshot_id(snapshot: Option<ImageSnapshotId>) -> String {
    let Some(id) = snapshot else { return String::new() };
    let id = id.to_string();
    let digits = id.split_once('-').map_or(id.as_str(), |(_, digits)| digits);
    format!("snap-{digits}")
}

#[cfg(test)]
mod tests;
