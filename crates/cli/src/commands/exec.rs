//! `imc exec`: a further command in a running instance.

use std::process::ExitCode;

use model::ExitStatus;
use node::ExecOptions;
use tokio::runtime::Runtime;
use wire::{Exec, ExecEvent};

use super::instances::{about_instance, print, written};
use super::run::{environment, variables};
use crate::app::App;
use crate::args::ExecArgs;
use crate::exit::Failure;
use crate::interrupts::Interrupts;
use crate::printer::Printer;
use crate::session::Session;

/// As a shell has it for a command whose reader went: SIGPIPE.
const UNREAD: u8 = 141;

/// Runs it without a terminal and with empty input, and prints what it writes as it comes.
pub(crate) async fn exec(session: &Session, args: ExecArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let exec =
        Exec { command: args.command, env: variables(&args.env), working_dir: args.workdir, user: args.user };
    let mut interrupts = Interrupts::listen()?;
    let begun = session.client.exec(&args.instance, &exec).await;
    let mut feed = begun.map_err(about_instance)?;
    loop {
        let event = tokio::select! {
            biased;
            // It ends with its reader.
            _ = interrupts.next() => return Err(Failure::cancelled("the command was ended")),
            event = feed.next() => event.map_err(about_instance)?,
        };
        match event {
            ExecEvent::Output(output) if !written(print(&output)?, printer) => return Ok(UNREAD.into()),
            ExecEvent::Output(_) => {}
            ExecEvent::Ended(ended) => {
                return Ok(ExitCode::from(ExitStatus::from(ended.ended).as_exit_code()));
            }
        }
    }
}

/// Runs it with this process's own streams.
pub(crate) fn exec_attached(runtime: &Runtime, app: &App, args: ExecArgs) -> Result<ExitCode, Failure> {
    let instance = runtime.block_on(app.use_cases.find(&app.account, &args.instance))?;
    let options = ExecOptions {
        command: args.command,
        env: environment(&args.env),
        working_dir: args.workdir,
        user: args.user,
        terminal: args.tty,
        interactive: args.interactive,
        // What comes of a signal is the command's matter.
        grace: None,
    };
    let status = app.instances.exec(instance.id, &options)?;
    Ok(ExitCode::from(status.as_exit_code()))
}
