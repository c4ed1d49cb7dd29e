//! Arguments about the server, and about who may ask it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use wire::Scope;

use super::{OnceArgs, whole};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc serve
  imc serve --listen 127.0.0.1:8080
  imc serve --no-listen
  imc --config ./imc.toml serve --listen 0.0.0.0:7420 --tls-cert tls.crt --tls-key tls.key
  imc token create --label ci --scope caches:write

It listens on a unix socket in the data directory, for root and the socket's group, and on loopback, for whoever has a \
token. Ctrl-C or SIGTERM ends it when the requests and builds under way have ended, or their deadline is over; a second \
one ends it at once. Builds that were left in the middle go on with the next start. Everything else is in the \
configuration: `imc config show`.")]
pub(crate) struct ServeArgs {
    /// A TCP address to listen on; again for a further one
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "no_listen")]
    pub(crate) listen: Vec<SocketAddr>,
    /// Listen on the unix socket alone
    #[arg(long)]
    pub(crate) no_listen: bool,
    /// The unix socket to listen on
    #[arg(long, value_name = "FILE")]
    pub(crate) socket: Option<PathBuf>,
    /// The server's certificate chain, PEM; with it, TCP is spoken by TLS alone
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc token create --label ci --scope caches:write --days 30
  imc token list
  imc token revoke 0a1b2c3d4e5f6071")]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    pub(crate) action: TokenAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// Make a token; what opens is printed this once
    Create(TokenCreateArgs),
    /// List the tokens; what opens is not among it
    #[command(after_help = "\
Examples:
  imc token list
  imc token list --all -o json")]
    List(TokenListArgs),
    /// Revoke tokens: they open nothing from now on
    #[command(after_help = "\
Examples:
  imc token revoke 0a1b2c3d4e5f6071")]
    Revoke(TokenRevokeArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc token create --label ci --scope caches:write
  imc token create --label dashboards --scope caches:read --scope instances:read --days 365
  TOKEN=$(imc token create --label me --scope admin --hours 1 -q)

Scopes: caches:read, caches:write, instances:read, instances:write, admin. Writing includes reading; admin includes \
everything, in the name of any account. A program shows it as `Authorization: Bearer TOKEN`; imc takes it from IMC_TOKEN.")]
pub(crate) struct TokenCreateArgs {
    /// What it is for, for people
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: String,
    /// What it allows; again for a further one
    #[arg(long, required = true, value_name = "SCOPE", value_parser = whole::<Scope>)]
    pub(crate) scope: Vec<Scope>,
    /// How many days it lasts, at most 3650; 90 where nothing is said
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=3650), conflicts_with = "hours")]
    pub(crate) days: Option<u64>,
    /// How many hours it lasts
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=87_600))]
    pub(crate) hours: Option<u64>,
    #[command(flatten)]
    pub(crate) once: OnceArgs,
}

impl TokenCreateArgs {
    pub(crate) fn scopes(&self) -> BTreeSet<Scope> {
        self.scope.iter().copied().collect()
    }

    pub(crate) fn seconds(&self) -> Option<u64> {
        self.days.map(|days| days * 86_400).or(self.hours.map(|hours| hours * 3600))
    }
}

#[derive(Debug, Args)]
pub(crate) struct TokenListArgs {
    /// Those of all accounts, not of one's own or the one of `--account` alone
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TokenRevokeArgs {
    /// Ids of tokens
    #[arg(required = true, value_name = "ID")]
    pub(crate) tokens: Vec<String>,
    #[command(flatten)]
    pub(crate) once: OnceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc secrets rotate
  imc secrets rotate --forget-older")]
pub(crate) struct SecretsArgs {
    #[command(subcommand)]
    pub(crate) action: SecretsAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsAction {
    /// Seal all credentials and the secrets of access keys with a new key
    Rotate(SecretsRotateArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc secrets rotate
  imc secrets rotate --forget-older

A running server takes the new key from the file by itself. The older ones stay in the file, since a backup of the records may \
need them; with --forget-older they are taken out once nothing is sealed with them.")]
pub(crate) struct SecretsRotateArgs {
    /// Take the older keys out of the file, once nothing is sealed with them
    #[arg(long)]
    pub(crate) forget_older: bool,
}
