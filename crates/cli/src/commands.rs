//! The commands, one file for each group of verbs.

mod caches;
mod config;
mod create;
mod doctor;
mod exec;
mod gc;
mod instances;
mod login;
mod matching;
mod predict;
mod reconcile;
mod run;

use std::borrow::Cow;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::app::{App, Room};
use crate::args::{Cli, Command, DataDirFrom, LoginArgs, RegistryArgs};
use crate::configuration::{self, Said};
use crate::exit::Failure;
use crate::printer::Printer;

/// Does what was asked and returns the exit status.
pub(crate) fn run(cli: Cli, printer: &Printer) -> Result<ExitCode, Failure> {
    let Cli { data_dir, data_dir_from, config, command, .. } = cli;
    let said = Said { file: config, data_dir, data_dir_from };
    let configured = configured(&said, &command, printer)?;
    let data_dir = configured.settings.data_dir.clone();
    let data_dir_from = match configured.origin("data_dir") {
        settings::Origin::File { .. } => DataDirFrom::File,
        _ => data_dir_from,
    };
    check_there(&data_dir, data_dir_from, &command)?;
    let registries = &configured.settings.registries;
    let plain = RegistryArgs::default();
    let open_frees = |args: &RegistryArgs| open(data_dir.clone(), &args.or(registries), Room::Frees);
    let frees = || open_frees(&plain);
    let open = |args: &RegistryArgs| open(data_dir.clone(), &args.or(registries), Room::Takes);
    match command {
        Command::Create(args) => {
            let (runtime, app) = open(&args.registry)?;
            let imc = as_typed(&data_dir, data_dir_from);
            runtime.block_on(create::create(&app, args, &imc, printer))
        }
        Command::List => with(frees()?, async |app| caches::list(app, printer).await),
        Command::Show(args) => with(frees()?, async |app| caches::show(app, &args.cache, printer).await),
        Command::Events(args) => {
            with(frees()?, async |app| caches::events(app, &args.subject, printer).await)
        }
        Command::Delete(args) => with(frees()?, async |app| caches::delete(app, &args, printer).await),
        Command::Match(args) => {
            with(open_frees(&args.registry)?, async |app| matching::explain(app, args, printer).await)
        }
        Command::Predict(args) => {
            with(open_frees(&args.registry)?, async |app| predict::predict(app, args, printer).await)
        }
        Command::Gc(args) => with(frees()?, async |app| gc::gc(app, args.dry_run, printer).await),
        Command::Ps(args) => with(frees()?, async |app| instances::ps(app, args.all, printer).await),
        Command::Logs(args) => with(frees()?, async |app| instances::logs(app, &args, printer).await),
        Command::Stop(args) => {
            node::require_root("stop instances")?;
            with(frees()?, async |app| instances::stop(app, &args, printer).await)
        }
        Command::Rm(args) => {
            node::require_root("remove instances")?;
            with(frees()?, async |app| instances::rm(app, &args, printer).await)
        }
        Command::Run(args) => run_instance(open, &args, printer).map_err(Failure::of_run),
        Command::Exec(args) => {
            let exec = || {
                node::require_root("run commands in instances")?;
                let (runtime, app) = open(&plain)?;
                exec::exec(&runtime, &app, args)
            };
            exec().map_err(Failure::of_run)
        }
        Command::Login(args) => {
            let registry = args.registry.or(registries);
            runtime()?.block_on(login::login(LoginArgs { registry, ..args }, printer))
        }
        Command::Logout(args) => runtime()?.block_on(login::logout(args, printer)),
        Command::Doctor => doctor::doctor(&data_dir, printer),
        Command::Config(args) => config::config(&args.action, &said, printer),
        Command::Completion(args) => {
            // The generator panics where it cannot write, as where its reader has seen enough.
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "imc", &mut script);
            printer.written(std::io::stdout().lock().write_all(&script));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What is configured. A configuration that is wrong does not stop the commands that are about it or about nothing.
fn configured(said: &Said, command: &Command, printer: &Printer) -> Result<settings::Loaded, Failure> {
    match command {
        Command::Config(_) | Command::Completion(_) => Ok(configuration::defaults()?),
        Command::Run(_) | Command::Exec(_) => {
            configuration::read(said, printer).map_err(|failures| Failure::from(failures).of_run())
        }
        _ => Ok(configuration::read(said, printer)?),
    }
}

/// Commands that only make sense over what is there do not make a directory whose name was mistyped.
fn check_there(data_dir: &Path, from: DataDirFrom, command: &Command) -> Result<(), Failure> {
    let makes_or_needs_none = matches!(
        command,
        Command::Create(_)
            | Command::Predict(_)
            | Command::Run(_)
            | Command::Login(_)
            | Command::Logout(_)
            | Command::Doctor
            | Command::Config(_)
            | Command::Completion(_)
    );
    if makes_or_needs_none || from != DataDirFrom::CommandLine {
        return Ok(());
    }
    match data_dir.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let failure = Failure::not_found(
                format!("failed to find the data directory {}: it does not exist", data_dir.display()),
                "check `--data-dir DIR`; `imc create` makes one",
            );
            Err(if matches!(command, Command::Exec(_)) { failure.of_run() } else { failure })
        }
        _ => Ok(()),
    }
}

/// How a further command over the same data directory begins, as root.
fn as_typed(data_dir: &Path, from: DataDirFrom) -> String {
    let is_root = rustix::process::geteuid().is_root();
    let sudo = if is_root { "" } else { "sudo " };
    // sudo forgets variables.
    let by_itself = from == DataDirFrom::Default || (is_root && from == DataDirFrom::Variable);
    match by_itself {
        true => format!("{sudo}imc"),
        false => format!("{sudo}imc --data-dir {}", shell_word(&data_dir.to_string_lossy())),
    }
}

/// The text as one word of a shell.
fn shell_word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%=".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(format!("'{}'", text.replace('\'', r"'\''"))),
    }
}

fn run_instance(
    open: impl Fn(&RegistryArgs) -> Result<(tokio::runtime::Runtime, App), Failure>,
    args: &crate::args::RunArgs,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    // Said before anything is pulled: without root it would all be for nothing.
    node::require_root("start containers")?;
    let (runtime, app) = open(&args.registry)?;
    run::run(&runtime, &app, args, printer)
}

fn open(
    data_dir: std::path::PathBuf,
    registries: &RegistryArgs,
    room: Room,
) -> Result<(tokio::runtime::Runtime, App), Failure> {
    let runtime = runtime()?;
    let app = runtime.block_on(App::open(data_dir, registries, room))?;
    Ok((runtime, app))
}

fn with(
    (runtime, app): (tokio::runtime::Runtime, App),
    act: impl AsyncFnOnce(&App) -> Result<ExitCode, Failure>,
) -> Result<ExitCode, Failure> {
    let done = runtime.block_on(act(&app));
    runtime.block_on(app.shut_down());
    done
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::system("start the worker threads", &error))
}
