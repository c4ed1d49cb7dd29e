//! `imc config`: what holds and where it was said, what is wrong with a file, a file to begin with.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use settings::{Entry, Loaded, example};

use crate::args::ConfigAction;
use crate::configuration::{Failures, Said, read, read_alone};
use crate::documents::{CheckedConfig, Setting};
use crate::exit::Failure;
use crate::printer::Printer;
use crate::telemetry;

pub(crate) fn config(action: &ConfigAction, said: &Said, printer: &Printer) -> Result<ExitCode, Failure> {
    let done = match action {
        ConfigAction::Show => read(said, printer).map(|loaded| show(&loaded, printer)),
        ConfigAction::Check(args) => check(&args.file, printer),
        ConfigAction::Example => {
            printer.written(std::io::stdout().lock().write_all(example().as_bytes()));
            Ok(())
        }
    };
    // Everything that is wrong is told, not the first thing alone.
    Ok(done.map_or_else(|Failures(failures)| printer.failures(&failures), |()| ExitCode::SUCCESS))
}

fn show(loaded: &Loaded, printer: &Printer) {
    let documents: Vec<Setting> = loaded.entries.iter().map(Setting::from).collect();
    let row = |entry: &Entry| vec![entry.key.to_owned(), entry.value.to_string(), entry.origin.to_string()];
    let rows: Vec<Vec<String>> = loaded.entries.iter().map(row).collect();
    printer.table(&documents, &["SETTING", "VALUE", "FROM"], &rows);
    for warning in &loaded.warnings {
        printer.warning(warning);
    }
}

fn check(file: &Path, printer: &Printer) -> Result<(), Failures> {
    let loaded = read_alone(file)?;
    telemetry::filter(&loaded)?;
    let set = loaded.entries.iter().filter(|entry| entry.origin.place().is_some()).count();
    printer.document(&CheckedConfig { file: file.display().to_string(), settings: set });
    printer.note(&format!("{}: {set} setting(s), nothing is wrong", file.display()));
    Ok(())
}
