//! `imc exec`: a further command in a running instance.

use std::process::ExitCode;

use node::ExecOptions;
use tokio::runtime::Runtime;

use super::instances::find_instance;
use super::run::environment;
use crate::app::App;
use crate::args::ExecArgs;
use crate::exit::Failure;

pub(crate) fn exec(runtime: &Runtime, app: &App, args: ExecArgs) -> Result<ExitCode, Failure> {
    let instance = runtime.block_on(find_instance(app, &args.instance))?;
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
