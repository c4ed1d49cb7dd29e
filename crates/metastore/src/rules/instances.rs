//! Instances: created, started, ended.

use model::{ExitStatus, Instance, InstanceState, Timestamp};

use crate::{Error, Result, SnapshotRecord};

pub(crate) fn check_new_instance(instance: &Instance) -> Result<()> {
    if instance.state == InstanceState::Creating {
        return Ok(());
    }
    let why = format!("{} is {} and should be Creating", instance.id, instance.state);
    Err(Error::Conflict { object: "instance", why })
}

/// A snapshot that is recorded with an instance is that instance's own.
pub(crate) fn check_own_snapshot(instance: &Instance, snapshot: &SnapshotRecord) -> Result<()> {
    if instance.snapshot == snapshot.id {
        return Ok(());
    }
    let why = format!("{} is not that of the instance {}", snapshot.id, instance.id);
    Err(Error::Conflict { object: "image snapshot", why })
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
    match instance.state.has_ended() {
        true => Ok(()),
        false => Err(Error::InstanceState { id: instance.id, state: instance.state }),
    }
}
