//! The `imc` binary: says what to do, leaves the doing to the crates below, and prints.

mod app;
mod args;
mod commands;
mod documents;
mod exit;
mod host;
mod interrupts;
mod printer;
mod progress;
mod reserve;
mod usage;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use args::Cli;
use printer::Printer;
use usage::Glimpse;

fn main() -> ExitCode {
    // Before any thread: the embedded runtime and the monitor of an instance are this program too, and the runtime forks.
    let internal = node::dispatch_internal(std::env::args_os());
    if let Some(code) = internal.or_else(|| host::dispatch_internal(std::env::args_os())) {
        return code;
    }
    let seen = Glimpse::of(std::env::args_os().skip(1));
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return usage::usage(&error, seen),
    };
    log_to_stderr();
    let printer = Printer::new(cli.output, cli.quiet);
    let done = commands::run(cli, &printer);
    match done.and_then(|code| printer.finish().map(|()| code).map_err(|failure| seen.failure(failure))) {
        Ok(code) => code,
        Err(failure) => {
            printer.failure(&failure);
            ExitCode::from(failure.code)
        }
    }
}

/// What is logged unless asked otherwise. The container libraries warn of every cgroup that a machine does not have, which
/// `imc doctor` says where it matters; the verifier logs each certificate that is not trusted, which is the failure told anyway.
const LOGGED: &str = "warn,libcgroups=error,libcontainer=error,rustls_platform_verifier=off";

/// Logs go to standard error, warnings and worse unless `IMC_LOG` says otherwise (`IMC_LOG=info`, `IMC_LOG=registry=debug`).
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("IMC_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(LOGGED));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .compact()
        .init();
}
