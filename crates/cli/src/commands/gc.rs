//! `imc gc`: blobs that nobody needs.

use std::process::ExitCode;

use crate::app::App;
use crate::exit::Failure;
use crate::printer::Printer;

pub(crate) async fn gc(app: &App, dry_run: bool, printer: &Printer) -> Result<ExitCode, Failure> {
    super::reconcile::reconcile(app).await?;
    let collected = match dry_run {
        true => app.engine.preview_collection(&*app.in_use()).await?,
        false => app.engine.collect(app.in_use()).await?,
    };
    let space = app.store.free_space().await.map_err(|error| Failure::internal(engine::chain(&error)))?;
    printer.result(&collected, || {
        let verb = if dry_run { "would be deleted" } else { "deleted" };
        let report = &collected.store;
        vec![
            format!("{} blob(s) {verb}, {} freed; {} kept", report.deleted.len(), report.freed, report.kept),
            format!(
                "{} snapshot(s) of nobody {verb}; {} free of {}",
                collected.snapshots.len(),
                space.free,
                space.total
            ),
        ]
    });
    Ok(ExitCode::SUCCESS)
}
