//! `imc gc`: blobs that nobody needs.

use std::process::ExitCode;

use crate::app::App;
use crate::documents::Collection;
use crate::exit::Failure;
use crate::printer::Printer;

pub(crate) async fn gc(app: &App, dry_run: bool, printer: &Printer) -> Result<ExitCode, Failure> {
    super::reconcile::reconcile(app, printer).await?;
    let collected = match dry_run {
        true => app.engine.preview_collection(&*app.in_use()).await?,
        false => app.engine.collect(app.in_use()).await?,
    };
    let space = app.store.free_space().await.map_err(|error| Failure::internal(engine::chain(&error)))?;
    let document = Collection { collected: &collected, free_space: space.free, total_space: space.total };
    printer.result(&document, || {
        let (verb, freed) =
            if dry_run { ("would be deleted", "would be freed") } else { ("deleted", "freed") };
        let report = &collected.store;
        vec![
            format!(
                "{} blob(s) {verb}, {} {freed}; {} kept",
                report.deleted.len(),
                report.freed,
                report.kept
            ),
            format!(
                "{} image snapshot(s) of nobody {verb}; {} free of {}",
                collected.snapshots.len(),
                space.free,
                space.total
            ),
        ]
    });
    Ok(ExitCode::SUCCESS)
}
