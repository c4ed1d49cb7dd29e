//! The command line: what can be said, with its help. No action is taken here.

mod access_keys;
mod caches;
mod choice;
mod config;
mod instances;
mod once;
mod policy;
mod registries;
mod server;

use std::path::PathBuf;
use std::str::FromStr;

use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use model::{AccountId, CacheName};
use url::Url;

pub(crate) use access_keys::{
    AccessKeyAction, AccessKeyArgs, AccessKeyCreateArgs, AccessKeyIdArgs, AccountAction, AccountArgs,
};
pub(crate) use caches::{
    CacheArg, CreateArgs, DeleteArgs, EventsArgs, ListArgs, RollbackArgs, UpdateArgs, WaitArgs,
};
pub(crate) use choice::{CacheWord, ChoiceArgs, MatchArgs, PredictArgs, StalenessWord};
pub(crate) use config::{ConfigAction, ConfigArgs};
pub(crate) use instances::{ExecArgs, LogsArgs, PsArgs, RmArgs, RunArgs, StopArgs};
pub(crate) use once::OnceArgs;
pub(crate) use policy::{PolicyArgs, Retention, TagWord};
pub(crate) use registries::{LoginArgs, LogoutArgs, RegistryArgs};
pub(crate) use server::{
    SecretsAction, SecretsArgs, SecretsRotateArgs, ServeArgs, TokenAction, TokenArgs, TokenCreateArgs,
    TokenRevokeArgs,
};

/// Image caches for containers: pull, verify and unpack images once, start from them in milliseconds.
#[derive(Debug, Parser)]
#[command(
    name = "imc",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 110,
    after_help = "\
Examples:
  imc create web docker.io/library/nginx:1.27     Pull, verify and unpack an image once
  imc run --rm web                                Start a container from the cache
  imc run --rm -it nginx:1.27 -- sh               The same by image name, with another command
  imc list                                        What there is
  imc doctor                                      What works on this machine and what does not

Exit status:
    0  done
   64  wrong usage
   65  the image is damaged, hostile or not supported
   66  no such image, cache or instance
   69  the registry cannot be reached or is not trusted
   70  imc or the system failed
   73  no space, or the size is too small
   75  busy or in use: try again later
   77  not permitted: root is needed, or the password is wrong
   78  the machine lacks a feature, or the configuration is wrong
  130  cancelled by Ctrl-C or SIGTERM
`run` and `exec` pass on the container's own; 125 is a failure of imc, 126 a command that cannot be \
executed, 127 a command that is not there.

Where `imc serve` runs over the data directory, or --server names one elsewhere, it does what is asked; else the command \
does it by itself, with the same result. IMC_TOKEN is the token that a server is shown.

IMC_LOG says what is logged to standard error: a level (error, warn, info, debug, trace), or levels by \
part, as IMC_LOG=warn,registry=debug."
)]
pub(crate) struct Cli {
    /// Where blobs, image snapshots and records are kept
    #[arg(long, global = true, env = "IMC_DATA_DIR", value_name = "DIR", default_value = "/var/lib/imc")]
    pub(crate) data_dir: PathBuf,

    /// Where that was said.
    #[arg(skip)]
    pub(crate) data_dir_from: DataDirFrom,

    /// The configuration file; /etc/imc/imc.toml where it is there
    #[arg(long, global = true, env = "IMC_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Whose caches and instances a command sees and makes; only an administrator may say another than his own
    #[arg(long, global = true, env = "IMC_ACCOUNT", value_name = "NAME", value_parser = whole::<AccountId>)]
    pub(crate) account: Option<AccountId>,

    /// The server to ask, as https://imc.example.com:7420; the one over the data directory where it runs
    #[arg(long, global = true, env = "IMC_SERVER", value_name = "URL", value_parser = whole::<Url>)]
    pub(crate) server: Option<Url>,

    /// How results are printed
    #[arg(long, short = 'o', global = true, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub(crate) output: Output,

    /// Print results, warnings and errors only
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Reads the command line. A variable that is set to nothing is as good as unset, which clap would take for a value.
    pub(crate) fn read(words: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Self, clap::Error> {
        let mut command = without_empty_variables(Self::command());
        let mut matches = command.try_get_matches_from_mut(words)?;
        let data_dir_from = match matches.value_source("data_dir") {
            Some(ValueSource::CommandLine) => DataDirFrom::CommandLine,
            Some(ValueSource::EnvVariable) => DataDirFrom::Variable,
            _ => DataDirFrom::Default,
        };
        let cli = Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))?;
        Ok(Self { data_dir_from, ..cli })
    }
}

/// Where the data directory was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DataDirFrom {
    /// Nowhere.
    #[default]
    Default,
    /// In the configuration file.
    File,
    /// In `IMC_DATA_DIR`.
    Variable,
    /// By `--data-dir`.
    CommandLine,
}

fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |name: &std::ffi::OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let unless_empty = |arg: clap::Arg| match arg.get_env().is_some_and(is_empty) {
        true => arg.env(None::<&str>),
        false => arg,
    };
    command.mut_args(unless_empty).mut_subcommands(without_empty_variables)
}

/// Parses an argument. A refusal carries its causes, which clap would leave out.
fn whole<T>(text: &str) -> Result<T, String>
where
    T: FromStr,
    T::Err: std::error::Error + 'static,
{
    text.parse().map_err(|error: T::Err| engine::chain(&error))
}

/// A name for a cache, as this command line takes it.
fn plain_name(text: &str) -> Result<CacheName, String> {
    CacheName::plain(text).map_err(|error| error.to_string())
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// One JSON document on standard output
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a cache from images: pull, verify and unpack them once
    Create(Box<CreateArgs>),
    /// List the caches
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Show one cache with its images and layers
    #[command(after_help = "\
Examples:
  imc show web
  imc show imc-01a2086e6b2b734699def6a20c73d467")]
    Show(CacheArg),
    /// Show what happened to a cache or an instance
    Events(EventsArgs),
    /// Change a cache: its images, size, name and policy
    Update(Box<UpdateArgs>),
    /// Make a cache serve what it had before its last update
    Rollback(RollbackArgs),
    /// Delete caches
    Delete(DeleteArgs),
    /// Explain which caches serve images best, and why
    Match(MatchArgs),
    /// Tell what images will take before a cache is created
    Predict(PredictArgs),
    /// Show how many caches there are and may be
    #[command(after_help = "\
Examples:
  imc usage
  imc usage --account team-a -o json")]
    Usage,
    /// Start a container from a cached image
    Run(Box<RunArgs>),
    /// List the instances
    Ps(PsArgs),
    /// Print what an instance wrote
    Logs(LogsArgs),
    /// Stop instances: the image's stop signal, then SIGKILL
    Stop(StopArgs),
    /// Remove instances
    Rm(RmArgs),
    /// Run a further command in a running instance
    Exec(ExecArgs),
    /// Check a registry's user name and password and store them
    Login(LoginArgs),
    /// Forget a registry's user name and password
    Logout(LogoutArgs),
    /// Delete blobs that no cache, build or instance needs
    Gc(GcArgs),
    /// Serve caches and instances over the native API
    Serve(ServeArgs),
    /// Make, list and revoke the tokens that open the API
    Token(TokenArgs),
    /// Make and list the accounts that access keys belong to
    Account(AccountArgs),
    /// Make, list and disable the access keys of the clouds' interfaces
    AccessKey(AccessKeyArgs),
    /// Care for the keys that credentials are sealed with
    Secrets(SecretsArgs),
    /// Find out what works on this machine and what does not
    #[command(after_help = "\
Examples:
  imc doctor
  imc --data-dir /srv/imc doctor")]
    Doctor,
    /// Show, check or begin the configuration
    Config(ConfigArgs),
    /// Print a completion script for a shell
    Completion(CompletionArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc gc --dry-run
  imc gc

Builds that were killed are recorded as failed first. What caches, running builds and instances need stays.")]
pub(crate) struct GcArgs {
    /// Say what would be deleted and delete nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) once: OnceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(imc completion bash)
  imc completion zsh > ~/.zfunc/_imc")]
pub(crate) struct CompletionArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}
