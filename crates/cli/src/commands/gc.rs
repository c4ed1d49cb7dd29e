//! `imc gc`: blobs that nobody needs.

use std::process::ExitCode;

use crate::args::GcArgs;
use crate::documents::Collection;
use crate::exit::Failure;
use crate::printer::Printer;
use crate::session::Session;

pub(crate) async fn gc(session: &Session, args: &GcArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let dry_run = args.dry_run;
    let collected = session.once(args.once.client_token.as_ref()).collect(dry_run).await?;
    printer.result(&Collection::from(&collected), || {
        let (verb, freed) =
            if dry_run { ("would be deleted", "would be freed") } else { ("deleted", "freed") };
        let report = &collected.store;
        vec![
            format!(
                "{} blob(s) {verb}, {} {freed}; {} kept",
                report.deleted.len(),
                report.freed_bytes,
                report.kept
            ),
            format!(
                "{} image snapshot(s) of nobody {verb}; {} free of {}",
                collected.snapshots.len(),
                collected.free_bytes,
                collected.total_bytes
            ),
        ]
    });
    Ok(ExitCode::SUCCESS)
}
