//! Makes records and processes agree: whatever was killed, here it is noticed and cleaned up.

use metastore::{InstanceFilter, Page};
use model::{Event, EventKind, EventReason, ExitStatus, Instance, InstanceState, Subject};
use node::InstanceStatus;

use crate::app::App;
use crate::exit::Failure;

/// An instance that was recorded this recently may be on its way to its process: longer than any start takes.
const STARTING_SECONDS: u64 = 60;

/// Brings the records in line with what the node finds, and cleans up after monitors that were killed.
///
/// Does nothing where there is no right to: reading commands work without root.
pub(crate) async fn reconcile(app: &App) -> Result<(), Failure> {
    if node::require_root("clean up after instances").is_err() {
        return Ok(());
    }
    let instances = app.instances.clone();
    let found = blocking(move || instances.reconcile()).await??;
    for record in all_instances(app, &InstanceFilter::default()).await? {
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
    let ended = match (&record.state, status.map(|status| status.state)) {
        (InstanceState::Exited(known), _) if *known != ExitStatus::Unknown => Some(*known),
        (_, Some(InstanceState::Exited(status))) => Some(status),
        (_, Some(_)) => None,
        (InstanceState::Creating, None) if is_starting(app, &record) => None,
        (_, None) => Some(ExitStatus::Unknown),
    };
    let Some(ended) = ended else { return Ok(()) };
    let now = app.clock.now();
    if record.state != InstanceState::Exited(ended) {
        let reason = if cleaned { EventReason::CleanedUp } else { EventReason::Exited };
        let message = format!("`{}` ended: {}", record.name, InstanceState::Exited(ended));
        let event = Event::once(Subject::Instance(record.id), EventKind::Normal, reason, message, now);
        app.records.instance_exited(record.id, ended, &[event], now).await?;
    }
    if record.remove_on_exit {
        remove(app, &record).await?;
    }
    Ok(())
}

fn is_starting(app: &App, record: &Instance) -> bool {
    app.clock.now().micros_since(record.created) < STARTING_SECONDS * 1_000_000
}

/// Removes an ended instance: its directory, its record, and the snapshot where nobody else names it.
pub(crate) async fn remove(app: &App, record: &Instance) -> Result<(), Failure> {
    let (instances, id) = (app.instances.clone(), record.id);
    match blocking(move || instances.remove(id, true)).await? {
        Err(error) if error.kind() != node::InstanceErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let removal = match app.records.remove_instance(record.id, &[]).await {
        // Another process was faster.
        Err(error) if error.kind() == metastore::ErrorKind::NotFound => return Ok(()),
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
