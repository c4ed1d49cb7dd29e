//! The command line: what can be said, with its help. No action is taken here.

mod choice;
mod instances;
mod registries;

use std::path::PathBuf;
use std::str::FromStr;

use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use model::{CacheName, ImageSource, Platform};

pub(crate) use choice::{CacheWord, ChoiceArgs, MatchArgs, PredictArgs};
pub(crate) use instances::{ExecArgs, LogsArgs, PsArgs, RmArgs, RunArgs, StopArgs};
pub(crate) use registries::{LoginArgs, LogoutArgs, RegistryArgs};

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
   78  the machine lacks a feature
  130  cancelled by Ctrl-C or SIGTERM
`run` and `exec` pass on the container's own; 125 is a failure of imc, 126 a command that cannot be \
executed, 127 a command that is not there.

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
    Create(CreateArgs),
    /// List the caches
    #[command(visible_alias = "ls")]
    #[command(after_help = "\
Examples:
  imc list
  imc list -o json")]
    List,
    /// Show one cache with its images and layers
    #[command(after_help = "\
Examples:
  imc show web
  imc show imc-01a2086e6b2b734699def6a20c73d467")]
    Show(CacheArg),
    /// Show what happened to a cache or an instance
    Events(EventsArgs),
    /// Delete caches
    Delete(DeleteArgs),
    /// Explain which caches serve images best, and why
    Match(MatchArgs),
    /// Tell what images will take before a cache is created
    Predict(PredictArgs),
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
    /// Find out what works on this machine and what does not
    #[command(after_help = "\
Examples:
  imc doctor
  imc --data-dir /srv/imc doctor")]
    Doctor,
    /// Print a completion script for a shell
    Completion(CompletionArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc create web nginx:1.27
  imc create ai registry.example/torch:2.9 registry.example/base:1 --size 30
  imc create local oci:./my-image
  imc create saved docker-archive:./saved.tar
  imc create dev localhost:5000/app:dev --plain-http localhost:5000

An IMAGE is a reference, `oci:DIR[:ref]` for an OCI layout directory, or `docker-archive:FILE[:ref]`. \
A path that holds colons is ended by two: `oci:/a:b/dir::ref`.")]
pub(crate) struct CreateArgs {
    /// The cache's name; lower-case letters, digits, `-`, `_`, `.`
    #[arg(value_parser = whole::<CacheName>)]
    pub(crate) name: CacheName,
    /// The images, at most 20
    #[arg(required = true, num_args = 1..=20, value_name = "IMAGE", value_parser = whole::<ImageSource>)]
    pub(crate) images: Vec<ImageSource>,
    /// The most that the unpacked images may take, in GiB
    #[arg(long, value_name = "GIB", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=32_768))]
    pub(crate) size: u64,
    /// Which platform's image to take from an index
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", default_value = "linux/amd64", value_parser = whole::<Platform>)]
    pub(crate) platform: Platform,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CacheArg {
    /// The cache's name or id
    pub(crate) cache: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc events web
  imc events front

The events of a deleted cache or a removed instance stay for a week, by its id.")]
pub(crate) struct EventsArgs {
    /// Name or id of a cache or an instance
    pub(crate) subject: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc delete web
  imc delete web db && imc gc
  imc delete --all web

A cache that instances use is not deleted: stop and remove them first. The blobs stay until the next \
`imc gc`, since another cache may need them.")]
pub(crate) struct DeleteArgs {
    /// Names or ids of caches
    #[arg(required = true)]
    pub(crate) caches: Vec<String>,
    /// Every cache of the name where several have it
    #[arg(long)]
    pub(crate) all: bool,
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
