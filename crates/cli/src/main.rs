//! The `imc` binary: says what to do, leaves the doing to the crates below, and prints.

mod app;
mod args;
mod commands;
mod configuration;
mod documents;
mod exit;
mod file_lock;
mod host;
mod interrupts;
mod printer;
mod progress;
mod reserve;
mod session;
mod systemd;
mod telemetry;
mod usage;

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
    // The server logs as it is configured, once that is known.
    if !matches!(cli.command, args::Command::Serve(_)) {
        telemetry::of_command();
    }
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
