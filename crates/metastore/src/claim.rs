//! Builds whose owners died.

use model::{Event, Subject, Timestamp};

use crate::{Build, Metastore, Page, ProcessIdentity, Result};

/// Takes over every running build whose owner is dead, and leaves an event with each.
///
/// The builds returned are the caller's to resume or to fail. `is_alive` tells whether a build's owner still works on it,
/// and must say true where it does not know.
///
/// # Errors
/// Those of the metastore; builds claimed before the error stay claimed, and are found again by a later call of
/// another process, or by [`Metastore::running_builds`].
pub async fn claim_interrupted_builds(
    metastore: &dyn Metastore,
    claimant: &ProcessIdentity,
    is_alive: &(dyn Fn(&Build) -> bool + Sync),
    now: Timestamp,
) -> Result<Vec<Build>> {
    let mut claimed = Vec::new();
    let mut page = Page::first();
    loop {
        let running = metastore.running_builds(page).await?;
        let Some(last) = running.last() else { return Ok(claimed) };
        page = Page::after(last.id);
        let interrupted = running.into_iter().filter(|build| !is_alive(build)).collect();
        claimed.extend(claim_builds(metastore, claimant, interrupted, now).await?);
    }
}

/// The same of builds that were found to be interrupted; the claimant's own are left alone.
///
/// # Errors
/// As there.
pub async fn claim_builds(
    metastore: &dyn Metastore,
    claimant: &ProcessIdentity,
    interrupted: Vec<Build>,
    now: Timestamp,
) -> Result<Vec<Build>> {
    let mut claimed = Vec::new();
    for build in interrupted {
        let Some(owner) = build.owner.clone().filter(|owner| owner != claimant) else { continue };
        let event = interruption(&build, &owner, now);
        claimed.extend(metastore.claim_build(build.id, &owner, claimant, &[event], now).await?);
    }
    Ok(claimed)
}

fn interruption(build: &Build, owner: &ProcessIdentity, now: Timestamp) -> Event {
    let message = format!("process {} ended in the middle of build {}", owner.pid, build.id);
    Event::once(
        Subject::Cache(build.cache),
        model::EventKind::Warning,
        model::EventReason::BuildInterrupted,
        message,
        now,
    )
}
