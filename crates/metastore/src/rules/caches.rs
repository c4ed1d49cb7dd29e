//! What becomes of a cache apart from its builds.

use model::{
    BuildFailure, BuildId, CacheId, CacheState, Generation, ImageCache, ImageSnapshotId, Percent, Savings,
    SnapshotCopies, Timestamp,
};

use super::kept_failure;
use crate::{CacheEdit, Error, NewBuild, Result};

/// Whether a cache is as it is when it was just asked for, and the build its first one.
pub(crate) fn check_new_cache(cache: &ImageCache, build: &NewBuild) -> Result<()> {
    let is_new = cache.state == CacheState::Preparing
        && cache.snapshot.is_none()
        && cache.generations.is_empty()
        && cache.deleting.is_none();
    let why = if !is_new {
        format!("{} is {} and should be Preparing, without a snapshot", cache.id, cache.state)
    } else if build.cache != cache.id {
        format!("the build {} is for {}, not for {}", build.id, build.cache, cache.id)
    } else {
        return Ok(());
    };
    Err(Error::Conflict { object: "cache", why })
}

/// Whether the build that goes with a change of the cache is for that cache.
pub(crate) fn check_build_of(cache: CacheId, build: Option<&NewBuild>) -> Result<()> {
    match build {
        Some(build) if build.cache != cache => {
            let why = format!("it is for {}, not for {cache}", build.cache);
            Err(Error::Conflict { object: "build", why })
        }
        _ => Ok(()),
    }
}

/// The snapshots that a cache names: the one that it serves, then those that it can go back to.
pub(crate) fn named_snapshots(cache: &ImageCache) -> Vec<ImageSnapshotId> {
    let earlier = cache.generations.iter().map(|generation| generation.snapshot);
    cache.snapshot.into_iter().chain(earlier).collect()
}

fn check_kept(cache: &ImageCache) -> Result<()> {
    if cache.deleting.is_some() { Err(Error::CacheDeleting(cache.id)) } else { Ok(()) }
}

/// The cache with what is said of it changed. `building` is its build, which ends with a size of its own.
pub(crate) fn edited(
    mut cache: ImageCache,
    edit: &CacheEdit,
    building: Option<BuildId>,
    now: Timestamp,
) -> Result<ImageCache> {
    check_kept(&cache)?;
    if let Some(limit) = edit.size_limit {
        if let Some(build) = building {
            return Err(Error::CacheBuilding { cache: cache.id, build });
        }
        let unpacked = cache.unpacked_size.unwrap_or_default();
        if unpacked > limit {
            return Err(Error::SizeTooSmall { cache: cache.id, limit, unpacked });
        }
        cache.size_limit = limit;
    }
    if let Some(name) = &edit.name {
        cache.name = name.clone();
    }
    let policy = edit.policy.over(&cache.policy);
    cache.policy = policy.map_err(|source| Error::Tags { cache: cache.id, source })?;
    if let Some(notes) = &edit.notes {
        cache.notes = Some(notes.clone());
    }
    cache.updated = now;
    Ok(cache)
}

/// The cache after a start.
pub(crate) fn used(mut cache: ImageCache, saved: Savings, now: Timestamp) -> ImageCache {
    cache.last_used = cache.last_used.max(Some(now));
    cache.savings = cache.savings.plus(saved);
    cache
}

/// The cache after a look at its tags.
pub(crate) fn was_checked(mut cache: ImageCache, now: Timestamp) -> ImageCache {
    cache.checked = cache.checked.max(Some(now));
    cache
}

/// The cache with its snapshot's copies noted; `None` where it serves another.
pub(crate) fn has_copies(
    mut cache: ImageCache,
    snapshot: ImageSnapshotId,
    copies: SnapshotCopies,
) -> Option<ImageCache> {
    if cache.snapshot != Some(snapshot) {
        return None;
    }
    cache.copies = copies;
    Some(cache)
}

/// The cache without the snapshot that is gone from the store; `None` where it serves another. `building` is its build.
///
/// This is no step of a cache's life, which never leads from a usable state to `Failed`: it is a loss.
pub(crate) fn lost(
    mut cache: ImageCache,
    snapshot: ImageSnapshotId,
    failure: &BuildFailure,
    building: Option<BuildId>,
    now: Timestamp,
) -> Result<Option<ImageCache>> {
    if cache.snapshot != Some(snapshot) {
        return Ok(None);
    }
    if let Some(build) = building {
        return Err(Error::CacheBuilding { cache: cache.id, build });
    }
    cache.state = CacheState::Failed;
    (cache.snapshot, cache.unpacked_size) = (None, None);
    (cache.progress, cache.copies) = (Percent::ZERO, SnapshotCopies::default());
    cache.failure = Some(kept_failure(failure));
    cache.updated = now;
    Ok(Some(cache))
}

/// The cache as it serves that earlier snapshot again. Also of one whose snapshot was lost. What is known of the copies is of
/// the other snapshot: it has to be noted anew.
pub(crate) fn rolled_back(
    mut cache: ImageCache,
    to: ImageSnapshotId,
    kept_until: Timestamp,
    building: Option<BuildId>,
    now: Timestamp,
) -> Result<ImageCache> {
    check_kept(&cache)?;
    if let Some(build) = building {
        return Err(Error::CacheBuilding { cache: cache.id, build });
    }
    let place = cache.generations.iter().position(|generation| generation.snapshot == to);
    let place = place.ok_or(Error::NoGeneration { cache: cache.id, snapshot: to })?;
    let earlier = cache.generations.remove(place);
    keep_present(&mut cache, kept_until, now);
    cache.snapshot = Some(earlier.snapshot);
    cache.images = earlier.images;
    cache.unpacked_size = Some(earlier.unpacked_size);
    // Whoever goes back has seen to the update that failed.
    (cache.state, cache.failure) = (CacheState::Ready, None);
    (cache.progress, cache.copies) = (Percent::ALL, SnapshotCopies::default());
    cache.updated = now;
    Ok(cache)
}

/// Makes the snapshot that the cache serves a generation, where it serves one.
pub(super) fn keep_present(cache: &mut ImageCache, kept_until: Timestamp, now: Timestamp) {
    let Some(snapshot) = cache.snapshot else { return };
    let generation = Generation {
        snapshot,
        images: cache.images.clone(),
        unpacked_size: cache.unpacked_size.unwrap_or_default(),
        replaced: now,
        kept_until,
    };
    cache.generations.insert(0, generation);
}

/// The cache without these generations, and those that it had of them.
pub(crate) fn without_generations(
    mut cache: ImageCache,
    snapshots: &[ImageSnapshotId],
) -> (ImageCache, Vec<ImageSnapshotId>) {
    let (gone, kept): (Vec<Generation>, Vec<Generation>) =
        cache.generations.into_iter().partition(|generation| snapshots.contains(&generation.snapshot));
    cache.generations = kept;
    (cache, gone.into_iter().map(|generation| generation.snapshot).collect())
}

/// The cache as the wish to delete it makes it; `None` where there was that wish before.
pub(crate) fn deletion_asked(mut cache: ImageCache, now: Timestamp) -> Option<ImageCache> {
    if cache.deleting.is_some() {
        return None;
    }
    cache.deleting = Some(now);
    cache.updated = now;
    Some(cache)
}
