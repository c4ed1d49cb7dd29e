//! What the verbs decide, apart from where the records are: the same for every metastore.

use model::{BuildFailure, CacheState, Event, ExitStatus, ImageCache, Instance, InstanceState, Timestamp};

use crate::{Build, BuildState, Error, LayerRecord, NewBuild, ProcessIdentity, Result, SnapshotRecord};

/// The longest message of an event or a failure, in bytes. Longer ones are cut.
const MESSAGE_LIMIT: usize = 4096;

/// Cuts a message at a character's end.
pub(crate) fn bounded(message: &str) -> &str {
    let mut end = message.len().min(MESSAGE_LIMIT);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

pub(crate) fn check_new_cache(cache: &ImageCache) -> Result<()> {
    if cache.state == CacheState::Preparing && cache.snapshot.is_none() {
        return Ok(());
    }
    let why = format!("{} is {} and should be Preparing, without a snapshot", cache.id, cache.state);
    Err(Error::Conflict { object: "cache", why })
}

fn step(cache: &mut ImageCache, to: CacheState, now: Timestamp) -> Result<()> {
    let id = cache.id;
    cache.state = cache.state.step(to).map_err(|source| Error::Transition { cache: id, source })?;
    cache.updated = now;
    Ok(())
}

/// The cache as a beginning build makes it.
pub(crate) fn begin_build(mut cache: ImageCache, now: Timestamp) -> Result<ImageCache> {
    let first = cache.snapshot.is_none();
    step(&mut cache, if first { CacheState::Creating } else { CacheState::Updating }, now)?;
    cache.failure = None;
    Ok(cache)
}

/// The cache as a build that ended well makes it.
pub(crate) fn finish_build(
    mut cache: ImageCache,
    snapshot: &SnapshotRecord,
    now: Timestamp,
) -> Result<ImageCache> {
    step(&mut cache, CacheState::Ready, now)?;
    cache.snapshot = Some(snapshot.id);
    cache.unpacked_size = Some(snapshot.size);
    Ok(cache)
}

/// The cache as a build that ended badly makes it.
pub(crate) fn fail_build(
    mut cache: ImageCache,
    failure: &BuildFailure,
    now: Timestamp,
) -> Result<ImageCache> {
    let first = cache.snapshot.is_none();
    step(&mut cache, if first { CacheState::Failed } else { CacheState::UpdateFailed }, now)?;
    cache.failure = Some(bounded_failure(failure));
    Ok(cache)
}

pub(crate) fn bounded_failure(failure: &BuildFailure) -> BuildFailure {
    BuildFailure {
        reason: bounded(&failure.reason).to_owned(),
        message: bounded(&failure.message).to_owned(),
    }
}

/// The record of a build that begins.
pub(crate) fn new_build(build: &NewBuild) -> Build {
    Build {
        id: build.id,
        cache: build.cache,
        snapshot: build.snapshot,
        state: BuildState::Running,
        owner: build.owner.clone(),
        attempts: 1,
        started: build.started,
        finished: None,
        failure: None,
    }
}

/// Whether that process may end the build.
pub(crate) fn check_end(build: &Build, owner: &ProcessIdentity) -> Result<()> {
    if build.state != BuildState::Running {
        Err(Error::BuildEnded(build.id))
    } else if build.owner != *owner {
        Err(Error::BuildLost(build.id))
    } else {
        Ok(())
    }
}

pub(crate) fn check_snapshot(build: &Build, snapshot: &SnapshotRecord) -> Result<()> {
    if build.snapshot == snapshot.id {
        return Ok(());
    }
    let why = format!("build {} was to make {} and made {}", build.id, build.snapshot, snapshot.id);
    Err(Error::Conflict { object: "image snapshot", why })
}

pub(crate) fn check_new_instance(instance: &Instance) -> Result<()> {
    if instance.state == InstanceState::Creating {
        return Ok(());
    }
    let why = format!("{} is {} and should be Creating", instance.id, instance.state);
    Err(Error::Conflict { object: "instance", why })
}

/// The instance as its start makes it.
pub(crate) fn instance_started(mut instance: Instance, pid: u32, now: Timestamp) -> Result<Instance> {
    match instance.state {
        InstanceState::Creating | InstanceState::Exited(ExitStatus::Unknown) => {}
        state => return Err(Error::InstanceState { id: instance.id, state }),
    }
    instance.state = InstanceState::Running;
    instance.finished = None;
    instance.pid = Some(pid);
    instance.started = Some(now);
    Ok(instance)
}

/// The instance as its end makes it; `None` where its end is known already.
pub(crate) fn instance_exited(instance: &Instance, status: ExitStatus, now: Timestamp) -> Option<Instance> {
    let news = match instance.state {
        InstanceState::Creating | InstanceState::Running => true,
        InstanceState::Exited(ExitStatus::Unknown) => status != ExitStatus::Unknown,
        InstanceState::Exited(_) => false,
    };
    news.then(|| Instance {
        state: InstanceState::Exited(status),
        pid: None,
        finished: Some(now),
        ..instance.clone()
    })
}

pub(crate) fn check_removal(instance: &Instance) -> Result<()> {
    match instance.state {
        InstanceState::Exited(_) => Ok(()),
        state => Err(Error::InstanceState { id: instance.id, state }),
    }
}

/// Whether a record of a served digest agrees with the one that is there.
pub(crate) fn check_layer(known: &LayerRecord, layer: &LayerRecord) -> Result<()> {
    if known.diff_id == layer.diff_id {
        return Ok(());
    }
    let why =
        format!("{} is {} by an earlier record and {} by this one", layer.blob, known.diff_id, layer.diff_id);
    Err(Error::Conflict { object: "layer", why })
}

/// Counts an event where an equal one is; `false` where none is.
pub(crate) fn is_counted(known: &mut Event, event: &Event) -> bool {
    let equal =
        known.kind == event.kind && known.reason == event.reason && known.message == bounded(&event.message);
    if equal {
        known.first = known.first.min(event.first);
        known.last = known.last.max(event.last);
        known.count = known.count.saturating_add(event.count);
    }
    equal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "ä".repeat(MESSAGE_LIMIT);
        assert_eq!(bounded(&long).len(), MESSAGE_LIMIT);
        let odd = format!("x{long}");
        assert_eq!(bounded(&odd).len(), MESSAGE_LIMIT - 1);
        assert_eq!(bounded("short"), "short");
    }
}
