//! Arguments about instances.

use clap::Args;
use model::{ByteSize, ImageSource, InstanceName, Platform, SizeError};
use node::{MilliCpus, Network, Volume};
use wire::IdempotencyKey;

use super::{ChoiceArgs, OnceArgs, RegistryArgs, whole};

/// Docker's least: with less the kernel ends the container before its first program runs.
const LEAST_MEMORY: ByteSize = ByteSize::mib(6);

fn memory(text: &str) -> Result<ByteSize, String> {
    match text.parse::<ByteSize>() {
        Err(SizeError::Form(_)) => Err("expected a whole number with a unit, as 512m or 2g".to_owned()),
        Err(error) => Err(error.to_string()),
        Ok(less) if less < LEAST_MEMORY => {
            Err(format!("{less} are too few for a container: at least {LEAST_MEMORY}"))
        }
        Ok(enough) => Ok(enough),
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc run --rm -it web -- sh
  imc run -d --name front -e MODE=test -v /srv/www:/usr/share/nginx/html:ro web
  imc run --rm --memory 512m --cpus 1.5 --network none python:3-slim -- python -c 'print(1)'

IMAGE may be the name or id of a cache with one image, or an image. The best cache for an image is \
chosen by itself; what no cache has is fetched for the instance, and an automatic cache is made beside it. \
With the registry switched off a cached image starts all the same, by tag and by digest.")]
pub(crate) struct RunArgs {
    /// Keep standard input open
    #[arg(long, short)]
    pub(crate) interactive: bool,
    /// Give the container a terminal
    #[arg(long, short)]
    pub(crate) tty: bool,
    /// Leave the container running and print its id
    #[arg(long, short, conflicts_with_all = ["interactive", "tty"])]
    pub(crate) detach: bool,
    /// With --detach: a word by which the request is known where it comes again: one instance is started
    #[arg(long, value_name = "WORD", value_parser = whole::<IdempotencyKey>, requires = "detach")]
    pub(crate) client_token: Option<IdempotencyKey>,
    /// Remove the instance when it ends
    #[arg(long)]
    pub(crate) rm: bool,
    /// A name; one is made up where none is given
    #[arg(long, value_parser = whole::<InstanceName>)]
    pub(crate) name: Option<InstanceName>,
    /// Set an environment variable; NAME alone passes on its value here
    #[arg(long, short, value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<String>,
    /// Bind a host directory or file into the container
    #[arg(long, short, value_name = "HOST:CONTAINER[:ro]")]
    pub(crate) volume: Vec<Volume>,
    /// Working directory in the container
    #[arg(long, short, value_name = "DIR")]
    pub(crate) workdir: Option<String>,
    /// User and group, names or ids
    #[arg(long, short, value_name = "USER[:GROUP]")]
    pub(crate) user: Option<String>,
    /// Run this instead of the image's entrypoint; an empty one clears it
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) entrypoint: Option<String>,
    /// Host name in the container; the instance's name where none is given
    #[arg(long, value_name = "NAME")]
    pub(crate) hostname: Option<String>,
    /// Which network the container sees
    #[arg(long, value_name = "host|none", default_value = "host")]
    pub(crate) network: Network,
    /// The most memory it may take, as 512m or 2g
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    pub(crate) memory: Option<ByteSize>,
    /// How many processors it may use, as 1.5
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cpus: Option<MilliCpus>,
    /// An installed OCI runtime (runc, crun, a path) instead of the one inside
    #[arg(long, value_name = "RUNTIME")]
    pub(crate) runtime: Option<String>,
    /// Where a cache has several images: which
    #[arg(long, value_name = "IMAGE", value_parser = whole::<ImageSource>)]
    pub(crate) image: Option<ImageSource>,
    /// Which platform's image to take where one has to be pulled
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", default_value = "linux/amd64", value_parser = whole::<Platform>)]
    pub(crate) platform: Platform,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// A cache's name or id, or an image
    #[arg(value_name = "IMAGE|CACHE")]
    pub(crate) target: String,
    /// What to run instead of the image's own command
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc ps
  imc ps -a -o json")]
pub(crate) struct PsArgs {
    /// Ended ones as well
    #[arg(long, short)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc logs front
  imc logs -f front")]
pub(crate) struct LogsArgs {
    /// Name or id of the instance
    pub(crate) instance: String,
    /// Go on until it ends
    #[arg(long, short)]
    pub(crate) follow: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc stop front
  imc stop -t 30 front back")]
pub(crate) struct StopArgs {
    /// Names or ids of instances
    #[arg(required = true)]
    pub(crate) instances: Vec<String>,
    /// Seconds between the stop signal and SIGKILL
    #[arg(long, short, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(..=3600))]
    pub(crate) timeout: u32,
    #[command(flatten)]
    pub(crate) once: OnceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc rm front
  imc rm -f front
  imc rm front --client-token clean-up-42")]
pub(crate) struct RmArgs {
    /// Names or ids of instances
    #[arg(required = true)]
    pub(crate) instances: Vec<String>,
    /// Kill it first where it runs
    #[arg(long, short)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) once: OnceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc exec front -- nginx -t
  imc exec -it front -- sh")]
pub(crate) struct ExecArgs {
    /// Keep standard input open
    #[arg(long, short)]
    pub(crate) interactive: bool,
    /// Give the command a terminal
    #[arg(long, short)]
    pub(crate) tty: bool,
    /// Set an environment variable; NAME alone passes on its value here
    #[arg(long, short, value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<String>,
    /// Working directory in the container
    #[arg(long, short, value_name = "DIR")]
    pub(crate) workdir: Option<String>,
    /// User and group, names or ids
    #[arg(long, short, value_name = "USER[:GROUP]")]
    pub(crate) user: Option<String>,
    /// Name or id of the instance
    pub(crate) instance: String,
    /// What to run
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}
