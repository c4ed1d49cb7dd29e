//! Builds: asked for, taken in fair turns, ended, taken over.

use model::{BuildFailure, BuildId, CacheState, ImageCache, Percent, SnapshotCopies, Timestamp};

use super::caches::keep_present;
use super::{kept_failure, step};
use crate::{Build, BuildState, Error, NewBuild, ProcessIdentity, Result, SnapshotRecord, Turns};

/// Whether a build waits or runs.
pub(crate) fn is_unfinished(state: BuildState) -> bool {
    matches!(state, BuildState::Queued | BuildState::Running)
}

/// The cache as a build that is asked for makes it, and the build. `unfinished` is the one that waits or runs already.
pub(crate) fn begin_build(
    mut cache: ImageCache,
    build: &NewBuild,
    unfinished: Option<BuildId>,
) -> Result<(ImageCache, Build)> {
    if let Some(other) = unfinished {
        return Err(Error::CacheBuilding { cache: cache.id, build: other });
    }
    if cache.deleting.is_some() {
        return Err(Error::CacheDeleting(cache.id));
    }
    if cache.snapshot.is_some() {
        step(&mut cache, CacheState::Updating, build.now)?;
    } else {
        let mut begun = cache.clone();
        step(&mut begun, CacheState::Creating, build.now)?;
        // One that waits for an owner leaves the cache `Preparing`.
        if build.owner.is_some() {
            cache = begun;
        }
    }
    (cache.failure, cache.progress) = (None, Percent::ZERO);
    let record = Build {
        id: build.id,
        cache: build.cache,
        snapshot: build.snapshot,
        account: cache.account.clone(),
        plan: build.plan.clone(),
        state: if build.owner.is_some() { BuildState::Running } else { BuildState::Queued },
        owner: build.owner.clone(),
        attempts: u32::from(build.owner.is_some()),
        beat: build.now,
        cancelled: false,
        queued: build.now,
        started: build.owner.as_ref().map(|_| build.now),
        finished: None,
        failure: None,
    };
    Ok((cache, record))
}

/// A build that waits, and how many builds of its account run.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) running: u64,
    pub(crate) queued: Timestamp,
    pub(crate) build: BuildId,
}

/// Whose turn it is. Of each account at least the build that has waited longest must be among those that wait.
pub(crate) fn whose_turn(waiting: impl IntoIterator<Item = Waiting>, turns: Turns) -> Option<BuildId> {
    let may = waiting.into_iter().filter(|waiting| waiting.running < u64::from(turns.per_account));
    may.min_by_key(|waiting| (waiting.running, waiting.queued, waiting.build)).map(|waiting| waiting.build)
}

/// Cache and build as the build's first owner makes them.
pub(crate) fn take_build(
    mut cache: ImageCache,
    mut build: Build,
    owner: &ProcessIdentity,
    now: Timestamp,
) -> Result<(ImageCache, Build)> {
    if cache.state == CacheState::Preparing {
        step(&mut cache, CacheState::Creating, now)?;
    }
    build.state = BuildState::Running;
    build.owner = Some(owner.clone());
    build.attempts = build.attempts.saturating_add(1);
    (build.beat, build.started) = (now, build.started.or(Some(now)));
    Ok((cache, build))
}

fn is_owner(build: &Build, owner: &ProcessIdentity) -> bool {
    build.state == BuildState::Running && build.owner.as_ref() == Some(owner)
}

/// The build after its owner's sign of life; `None` where it is not (or no longer) the owner.
pub(crate) fn has_beaten(build: &Build, owner: &ProcessIdentity, now: Timestamp) -> Option<Build> {
    is_owner(build, owner).then(|| Build { beat: build.beat.max(now), ..build.clone() })
}

/// The build as its new owner has it; `None` where it is no longer the old one's.
pub(crate) fn claim_build(
    mut build: Build,
    from: &ProcessIdentity,
    to: &ProcessIdentity,
    now: Timestamp,
) -> Option<Build> {
    if !is_owner(&build, from) {
        return None;
    }
    build.owner = Some(to.clone());
    build.attempts = build.attempts.saturating_add(1);
    build.beat = now;
    Some(build)
}

/// The running build as somebody's wish that it end makes it; `None` where it does not run or there was that wish before.
pub(crate) fn cancel_build(build: &Build) -> Option<Build> {
    let is_news = build.state == BuildState::Running && !build.cancelled;
    is_news.then(|| Build { cancelled: true, ..build.clone() })
}

fn check_end(build: &Build, owner: &ProcessIdentity) -> Result<()> {
    match build.state {
        BuildState::Succeeded | BuildState::Failed => Err(Error::BuildEnded(build.id)),
        BuildState::Queued | BuildState::Running if !is_owner(build, owner) => {
            Err(Error::BuildLost(build.id))
        }
        BuildState::Queued | BuildState::Running => Ok(()),
    }
}

fn check_snapshot(build: &Build, snapshot: &SnapshotRecord) -> Result<()> {
    if build.snapshot == snapshot.id {
        return Ok(());
    }
    let why = format!("build {} was to make {} and made {}", build.id, build.snapshot, snapshot.id);
    Err(Error::Conflict { object: "image snapshot", why })
}

/// Cache and build as that build's good end makes them.
pub(crate) fn finish_build(
    mut cache: ImageCache,
    mut build: Build,
    owner: &ProcessIdentity,
    snapshot: &SnapshotRecord,
    (copies, keep): (SnapshotCopies, Option<Timestamp>),
    now: Timestamp,
) -> Result<(ImageCache, Build)> {
    check_end(&build, owner)?;
    check_snapshot(&build, snapshot)?;
    step(&mut cache, CacheState::Ready, now)?;
    if let Some(kept_until) = keep {
        keep_present(&mut cache, kept_until, now);
    }
    (cache.snapshot, cache.unpacked_size) = (Some(snapshot.id), Some(snapshot.size));
    (cache.images, cache.size_limit) = (build.plan.images.clone(), build.plan.size_limit);
    (cache.progress, cache.copies) = (Percent::ALL, copies);
    (build.state, build.finished) = (BuildState::Succeeded, Some(now));
    Ok((cache, build))
}

/// Cache and build as its owner's word of a bad end makes them.
pub(crate) fn fail_build(
    cache: ImageCache,
    build: Build,
    owner: &ProcessIdentity,
    failure: &BuildFailure,
    now: Timestamp,
) -> Result<(ImageCache, Build)> {
    check_end(&build, owner)?;
    failed(cache, build, failure, now)
}

/// Cache and build as the end of a build that nobody began makes them.
pub(crate) fn end_waiting(
    cache: ImageCache,
    build: Build,
    failure: &BuildFailure,
    now: Timestamp,
) -> Result<(ImageCache, Build)> {
    failed(cache, build, failure, now)
}

fn failed(
    mut cache: ImageCache,
    mut build: Build,
    failure: &BuildFailure,
    now: Timestamp,
) -> Result<(ImageCache, Build)> {
    let first = cache.snapshot.is_none();
    step(&mut cache, if first { CacheState::Failed } else { CacheState::UpdateFailed }, now)?;
    if !first {
        cache.progress = Percent::ALL;
    }
    let failure = kept_failure(failure);
    cache.failure = Some(failure.clone());
    (build.state, build.finished, build.failure) = (BuildState::Failed, Some(now), Some(failure));
    Ok((cache, build))
}

/// Why a build ends whose cache is to be deleted.
pub(crate) fn unwanted() -> BuildFailure {
    BuildFailure {
        reason: "cancelled".to_owned(),
        message: "the deletion of the cache was asked for".to_owned(),
    }
}
