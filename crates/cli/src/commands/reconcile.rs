//! Makes records and processes agree: whatever was killed, here it is noticed and cleaned up.

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
