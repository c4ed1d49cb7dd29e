//! The hidden subcommands that this program runs itself as.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::{embedded, monitor};

/// The hidden subcommand that is the embedded OCI runtime.
pub(crate) const RUNTIME: &str = "internal-runtime";
/// The hidden subcommand that watches over one instance.
pub(crate) const MONITOR: &str = "internal-monitor";

/// Variables that may hold secrets of the one who starts instances. What this program runs itself as needs none of them, and a
/// monitor lives as long as its instance.
pub const SECRETS: &[&str] = &[
    "IMC_SECRET_KEY",
    "IMC_TOKEN",
    "IMC_DATABASE_URL",
    "PGPASSWORD",
    // Collectors of traces are shown their keys by these.
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
];

/// Runs a hidden subcommand if the arguments name one (`imc internal-monitor ...`, `imc internal-runtime ...`).
///
/// Call it first in `main`, before any thread, runtime or logger: the embedded runtime forks.
/// `arguments` are those of the process, its own name first.
#[must_use]
pub fn dispatch_internal(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    match arguments.nth(1)?.to_str() {
        Some(RUNTIME) => Some(embedded::embedded_runtime_main(arguments)),
        Some(MONITOR) => Some(monitor::monitor_main()),
        _ => None,
    }
}
