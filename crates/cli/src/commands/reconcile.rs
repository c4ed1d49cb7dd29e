//! Makes records and processes agree: whatever was killed, here it is noticed and cleaned up.

use metastore::{InstanceFilter, Page};
use model::Instance;

use crate::app::App;
use crate::exit::Failure;
use crate::printer::Printer;

/// Brings the records in line with what the node finds, and cleans up after monitors that were killed.
///
/// Does nothing where there is no right to: reading commands work without root.
pub(crate) async fn reconcile(app: &App, printer: &Printer) -> Result<(), Failure> {
    if node::require_root("clean up after instances").is_err() {
        return Ok(());
    }
    for (id, error) in app.use_cases.settle().await? {
        let error = engine::chain(&error);
        printer.warning(&format!(
            "failed to clean up after the instance {id}; the next command tries again: {error}"
        ));
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
