//! Makes records and processes agree: whatever was killed, here it is noticed and cleaned up.

use metastore::{InstanceFilter, Page};
use model::{Event, EventKind, EventReason, ExitStatus, Instance, InstanceState, Subject};
use node::InstanceStatus;

use crate::app::App;
use crate::exit::Failure;
use crate::printer::Printer;

/// An instance that was recorded this recently may be on its way to its process: longer than any start takes.
const STARTING_SECONDS: u64 = 60;

/// Brings the records in line with what the node finds, and cleans up after monitors that were killed.
///
/// Does nothing where there is no right to: reading commands work without root.
pub(crate) async fn reconcile(app: &App, printer: &Printer) -> Result<(), Failure> {
    if node::require_root("clean up after instances").is_err() {
        return Ok(());
    }
    // The records come first: what started after they were read is not among them, and so is not taken for gone.
    let records = all_instances(app, &InstanceFilter::default()).await?;
    let instances = app.instances.clone();
    let found = blocking(move || instances.reconcile()).await??;
    for (id, error) in &found.failed {
        let error = engine::chain(error);
        printer.warning(&format!(
            "failed to clean up after the instance {id}; the next command tries again: {error}"
        ));
    }
    for record in records {
        // What its process is cannot be told, or it still holds something.
        if found.failed.iter().any(|(id, _)| *id == record.id) {
            continue;
        }
        let status = found.instances.iter().find(|status| status.id == record.id);
        let cleaned = found.cleaned.contains(&record.id);
        settle(app, record, status, cleaned).await?;
    }
    Ok(())
}

/// One instance: its record after what the node knows of its process.
async fn settle(
    app: &App,
    record: Instance,
    status: Option<&InstanceStatus>,
    cleaned: bool,
) -> Result<(), Failure> {
    use InstanceState::{Creating, Exited, Running};
    let ended = match (&record.state, status.map(|status| status.state)) {
        (Exited(known), _) if *known != ExitStatus::Unknown => *known,
        (_, Some(Exited(status))) => status,
        (Creating | Exited(_), Some(Running)) => return found_running(app, &record, status).await,
        (_, Some(_)) => return Ok(()),
        (Creating, None) if is_starting(app, &record) => return Ok(()),
        (_, None) => ExitStatus::Unknown,
    };
    if record.state != Exited(ended) {
        let reason = if cleaned { EventReason::CleanedUp } else { EventReason::Exited };
        record_exit(app, &record, ended, reason).await?;
    }
    if record.remove_on_exit {
        remove(app, &record).await?;
    }
    Ok(())
}

/// One that runs, and whoever started it did not live to say so.
async fn found_running(app: &App, record: &Instance, status: Option<&InstanceStatus>) -> Result<(), Failure> {
    let Some(pid) = status.and_then(|status| status.pid) else { return Ok(()) };
    let now = app.clock.now();
    let message = format!("`{}` was found running as process {pid}", record.name);
    let event =
        Event::once(Subject::Instance(record.id), EventKind::Normal, EventReason::Started, message, now);
    let recorded = app.records.instance_started(record.id, pid, &[event], now).await;
    // Its starter, or another process like this one, was faster.
    known_otherwise(recorded).map(|_| ())
}

/// Notes how an instance ended, and returns its record; where another process has removed that, as it would be.
pub(crate) async fn record_exit(
    app: &App,
    record: &Instance,
    status: ExitStatus,
    reason: EventReason,
) -> Result<Instance, Failure> {
    let now = app.clock.now();
    let ended = InstanceState::Exited(status);
    let message = format!("`{}` ended: {ended}", record.name);
    let event = Event::once(Subject::Instance(record.id), EventKind::Normal, reason, message, now);
    let recorded = app.records.instance_exited(record.id, status, &[event], now).await;
    let as_it_would_be = || Instance { state: ended, pid: None, finished: Some(now), ..record.clone() };
    Ok(known_otherwise(recorded)?.unwrap_or_else(as_it_would_be))
}

/// `None` where another process has recorded what comes later: that is no failure of whoever comes too late.
fn known_otherwise(recorded: metastore::Result<Instance>) -> Result<Option<Instance>, Failure> {
    match recorded {
        Err(metastore::Error::NoInstance(_) | metastore::Error::InstanceState { .. }) => Ok(None),
        recorded => Ok(Some(recorded?)),
    }
}

fn is_starting(app: &App, record: &Instance) -> bool {
    app.clock.now().micros_since(record.created) < STARTING_SECONDS * 1_000_000
}

/// Waits until an ended instance is cleaned up, and removes it.
pub(crate) async fn wait_and_remove(app: &App, record: &Instance) -> Result<(), Failure> {
    let (instances, id) = (app.instances.clone(), record.id);
    match blocking(move || instances.wait(id)).await? {
        Err(error) if error.kind() != node::InstanceErrorKind::NotFound => Err(error.into()),
        _ => remove(app, record).await,
    }
}

/// Removes an ended instance: its directory, its record, and the image snapshot where nobody else names it. One that runs
/// after all, or is still being cleaned up, stays.
pub(crate) async fn remove(app: &App, record: &Instance) -> Result<(), Failure> {
    let (instances, id) = (app.instances.clone(), record.id);
    match blocking(move || instances.remove(id, false)).await? {
        Err(node::InstanceError::Running(_)) => return Ok(()),
        Err(error) if error.kind() != node::InstanceErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let removal = match app.records.remove_instance(record.id, &[]).await {
        // Another process was faster, or found it running.
        Err(metastore::Error::NoInstance(_) | metastore::Error::InstanceState { .. }) => return Ok(()),
        removal => removal?,
    };
    if let Some(snapshot) = removal.released {
        let deleted = app.store.delete_snapshot(snapshot).await;
        deleted.map_err(|error| Failure::internal(engine::chain(&error)))?;
    }
    Ok(())
}

/// Every instance that the filter lets through, oldest first.
pub(crate) async fn all_instances(app: &App, filter: &InstanceFilter) -> Result<Vec<Instance>, Failure> {
    let mut all = Vec::new();
    let mut page = Page::first();
    loop {
        let found = app.records.find_instances(filter, page).await?;
        let Some(last) = found.last() else { return Ok(all) };
        page = Page::after(last.id);
        all.extend(found);
    }
}

/// Runs what blocks on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(act)
        .await
        .map_err(|error| Failure::internal(format!("failed to finish an action on instances: {error}")))
}
