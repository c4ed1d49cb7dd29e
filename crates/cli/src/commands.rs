//! The commands, one file for each group of verbs.

mod access_keys;
mod caches;
mod config;
mod create;
mod doctor;
mod exec;
mod gc;
mod instances;
mod login;
pub(crate) mod matching;
mod predict;
mod reconcile;
mod run;
mod secrets;
mod serve;
mod token;

use std::borrow::Cow;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory as _;

use model::AccountId;

use crate::app::{App, Logins, Opening, Room};
use crate::args::{Cli, Command, DataDirFrom, ExecArgs, LoginArgs, RegistryArgs, RunArgs};
use crate::configuration::{self, Said};
use crate::exit::Failure;
use crate::printer::Printer;
use crate::session::{Asking, Session};

/// Does what was asked and returns the exit status.
pub(crate) fn run(cli: Cli, printer: &Printer) -> Result<ExitCode, Failure> {
    let Cli { data_dir, data_dir_from, config, account, server, command, .. } = cli;
    let said = Said { file: config, data_dir, data_dir_from };
    if let Command::Serve(args) = &command {
        return serve::serve(&said, args, printer);
    }
    let configured = configured(&said, &command, printer)?;
    let data_dir_from = match configured.origin("data_dir") {
        settings::Origin::File { .. } => DataDirFrom::File,
        _ => data_dir_from,
    };
    if server.is_none() {
        check_there(&configured.settings.data_dir, data_dir_from, &command)?;
    }
    let detach = matches!(&command, Command::Create(args) if args.waiting.detach)
        || matches!(&command, Command::Update(args) if args.waiting.detach);
    let as_root = as_root(&command);
    let asking = Asking { settings: &configured.settings, account, server, detach, as_root };
    let context = Context { asking, data_dir_from, said: &said, printer };
    context.act(command)
}

/// What every command is given.
struct Context<'a> {
    asking: Asking<'a>,
    data_dir_from: DataDirFrom,
    said: &'a Said,
    printer: &'a Printer,
}

impl Context<'_> {
    fn act(&self, command: Command) -> Result<ExitCode, Failure> {
        let (printer, settings) = (self.printer, self.asking.settings);
        match command {
            Command::Create(args) => {
                let imc = as_typed(&settings.data_dir, self.data_dir_from);
                let registry = args.registry.clone();
                self.ask(&registry, Room::Takes, async |session| {
                    create::create(session, *args, settings, &imc, printer).await
                })
            }
            Command::Update(args) => {
                let registry = args.registry.clone();
                self.ask(&registry, Room::Takes, async |session| {
                    create::update(session, *args, settings, printer).await
                })
            }
            Command::List(args) => self.look(async |session| caches::list(session, &args, printer).await),
            Command::Show(args) => {
                self.look(async |session| caches::show(session, &args.cache, printer).await)
            }
            Command::Events(args) => {
                self.look(async |session| caches::events(session, &args.subject, printer).await)
            }
            Command::Rollback(args) => {
                self.look(async |session| caches::roll_back(session, &args, printer).await)
            }
            Command::Delete(args) => self.look(async |session| caches::delete(session, &args, printer).await),
            Command::Usage => self.look(async |session| caches::usage(session, printer).await),
            Command::Match(args) => {
                let registry = args.registry.clone();
                self.ask(&registry, Room::Frees, async |session| {
                    matching::explain(session, args, printer).await
                })
            }
            Command::Predict(args) => {
                let registry = args.registry.clone();
                self.ask(&registry, Room::Frees, async |session| {
                    predict::predict(session, args, printer).await
                })
            }
            Command::Token(args) => {
                let account = self.asking.account.as_ref();
                self.look(async |session| token::token(session, &args.action, account, printer).await)
            }
            Command::Account(args) => {
                self.look(async |session| access_keys::account(session, &args.action, printer).await)
            }
            Command::AccessKey(args) => {
                let account = self.asking.account.as_ref();
                self.look(async |session| {
                    access_keys::access_key(session, &args.action, account, printer).await
                })
            }
            command => self.act_on_instances(command),
        }
    }

    fn act_on_instances(&self, command: Command) -> Result<ExitCode, Failure> {
        let printer = self.printer;
        match command {
            Command::Gc(args) => self.look(async |session| gc::gc(session, &args, printer).await),
            Command::Ps(args) => self.look(async |session| instances::ps(session, args.all, printer).await),
            Command::Logs(args) => self.look(async |session| instances::logs(session, &args, printer).await),
            Command::Stop(args) => self.look(async |session| instances::stop(session, &args, printer).await),
            Command::Rm(args) => self.look(async |session| instances::rm(session, &args, printer).await),
            Command::Run(args) if args.detach => {
                let start = async |session: &Session| run::start(session, &args, printer).await;
                self.ask(&args.registry, Room::Takes, start).map_err(Failure::of_run)
            }
            Command::Run(args) => self.run_instance(&args).map_err(Failure::of_run),
            Command::Exec(args) if args.interactive || args.tty => {
                self.exec_attached(args).map_err(Failure::of_run)
            }
            Command::Exec(args) => {
                let none = RegistryArgs::default();
                let exec = async |session: &Session| exec::exec(session, args, printer).await;
                self.ask(&none, Room::Takes, exec).map_err(Failure::of_run)
            }
            command => self.act_on_machine(command),
        }
    }

    /// Commands about this machine, which no server does for it.
    fn act_on_machine(&self, command: Command) -> Result<ExitCode, Failure> {
        let (printer, settings) = (self.printer, self.asking.settings);
        match command {
            Command::Secrets(args) => {
                let advice =
                    "leave `--server` and IMC_SERVER out: it acts on this machine's own file of keys";
                let (runtime, app) = self.open(&RegistryArgs::default(), Room::Frees, "seal anew", advice)?;
                let done = runtime.block_on(secrets::secrets(&app, settings, &args.action, printer));
                runtime.block_on(app.shut_down());
                done
            }
            Command::Login(args) => {
                let registry = args.registry.or(&settings.registries);
                runtime()?.block_on(login::login(LoginArgs { registry, ..args }, printer))
            }
            Command::Logout(args) => runtime()?.block_on(login::logout(args, printer)),
            Command::Doctor => doctor::doctor(&settings.data_dir, printer),
            Command::Config(args) => config::config(&args.action, self.said, printer),
            Command::Completion(args) => {
                // The generator panics where it cannot write, as where its reader has seen enough.
                let mut script = Vec::new();
                clap_complete::generate(args.shell, &mut Cli::command(), "imc", &mut script);
                printer.written(std::io::stdout().lock().write_all(&script));
                Ok(ExitCode::SUCCESS)
            }
            _ => Err(Failure::internal("failed to choose what does this command")),
        }
    }

    /// Asks a server, or the same code in this process.
    fn ask(
        &self,
        registries: &RegistryArgs,
        room: Room,
        act: impl AsyncFnOnce(&Session) -> Result<ExitCode, Failure>,
    ) -> Result<ExitCode, Failure> {
        let said: Vec<_> = registries.files_said().collect();
        let registries = registries.or(&self.asking.settings.registries);
        let runtime = runtime()?;
        runtime.block_on(async {
            let session = Session::open(&self.asking, &registries, room).await?;
            if session.app.is_none() {
                for (option, setting) in said {
                    self.printer.warning(&format!(
                        "`{option}` is not used for registries: a server does the work, and uses what {setting} of its own \
                         configuration names"
                    ));
                }
            }
            let done = act(&session).await;
            session.shut_down().await;
            match session.app {
                Some(_) => done,
                None => done.map_err(Failure::of_server),
            }
        })
    }

    /// The same for what brings nothing new.
    fn look(
        &self,
        act: impl AsyncFnOnce(&Session) -> Result<ExitCode, Failure>,
    ) -> Result<ExitCode, Failure> {
        self.ask(&RegistryArgs::default(), Room::Frees, act)
    }

    /// The parts over the data directory. Where a server is named, `action` cannot be done there.
    fn open(
        &self,
        registries: &RegistryArgs,
        room: Room,
        action: &str,
        advice: &str,
    ) -> Result<(tokio::runtime::Runtime, App), Failure> {
        if let Some(server) = &self.asking.server {
            let message = format!("failed to {action} at {server}: this is for this machine alone");
            return Err(Failure { advice: Some(advice.to_owned()), ..Failure::input(message) });
        }
        self.asking.as_root.map_or(Ok(()), node::require_root)?;
        let settings = self.asking.settings;
        let registries = registries.or(&settings.registries);
        let account = self.asking.account.clone().unwrap_or_else(AccountId::local);
        let opening = Opening { settings, account, registries: &registries, room, logins: Logins::OfUser };
        let runtime = runtime()?;
        let app = runtime.block_on(App::open(opening))?;
        Ok((runtime, app))
    }

    /// An instance that has this process's own streams.
    fn run_instance(&self, args: &RunArgs) -> Result<ExitCode, Failure> {
        let advice = "start it with `imc run -d`, and read what it writes with `imc logs -f`";
        let (runtime, app) = self.open(&args.registry, Room::Takes, "run in the foreground", advice)?;
        run::run(&runtime, &app, args, self.printer)
    }

    /// A command that has this process's own streams.
    fn exec_attached(&self, args: ExecArgs) -> Result<ExitCode, Failure> {
        let advice = "leave `-i` and `-t` out: what the command writes comes all the same";
        let none = RegistryArgs::default();
        let (runtime, app) = self.open(&none, Room::Takes, "run a command with a terminal", advice)?;
        exec::exec_attached(&runtime, &app, args)
    }
}

/// What only root may do of what a command does.
fn as_root(command: &Command) -> Option<&'static str> {
    match command {
        Command::Stop(_) => Some("stop instances"),
        Command::Rm(_) => Some("remove instances"),
        Command::Run(_) => Some("start containers"),
        Command::Exec(_) => Some("run commands in instances"),
        _ => None,
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
            | Command::Serve(_)
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

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::system("start the worker threads", &error))
}
