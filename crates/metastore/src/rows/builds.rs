use super::Columns;
use crate::rules::Waiting;
use crate::{Build, BuildState, ProcessIdentity, Result};

pub(crate) fn build(row: &impl Columns) -> Result<Build> {
    Ok(Build {
        id: row.parsed("id")?,
        cache: row.parsed("cache")?,
        snapshot: row.parsed("snapshot")?,
        account: row.parsed("account")?,
        plan: row.json("plan")?,
        state: row.one_of("state", &BuildState::ALL, BuildState::as_str)?,
        owner: owner(row)?,
        attempts: row.unsigned("attempts")?,
        beat: row.time("beat")?,
        cancelled: row.flag("cancelled")?,
        queued: row.time("queued")?,
        started: row.optional_time("started")?,
        finished: row.optional_time("finished")?,
        failure: row.failure()?,
    })
}

/// A build that waits, beside how many builds of its account are `running`.
pub(crate) fn waiting(row: &impl Columns) -> Result<Waiting> {
    Ok(Waiting { running: row.unsigned("running")?, queued: row.time("queued")?, build: row.parsed("id")? })
}

fn owner(row: &impl Columns) -> Result<Option<ProcessIdentity>> {
    let Some(pid) = row.optional_unsigned("owner_pid")? else { return Ok(None) };
    let start_ticks = row.unsigned("owner_start")?;
    Ok(Some(ProcessIdentity { pid, start_ticks, boot_id: row.text("owner_boot")?.to_owned() }))
}
