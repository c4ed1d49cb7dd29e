//! Arguments about registries.

use std::path::PathBuf;

use clap::Args;
use model::RegistryHost;

use super::whole;

/// How registries are spoken to. A host is written as in the reference, with its port where that has one.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Registries")]
pub(crate) struct RegistryArgs {
    /// Registries that are spoken to by plain HTTP
    #[arg(long, env = "IMC_PLAIN_HTTP", value_name = "HOST[,HOST]")]
    pub(crate) plain_http: Option<String>,
    /// Registries whose TLS certificate is not checked
    #[arg(long, env = "IMC_INSECURE_REGISTRY", value_name = "HOST[,HOST]")]
    pub(crate) insecure_registry: Option<String>,
    /// Further certificates to trust, PEM
    #[arg(long, env = "IMC_CA_FILE", value_name = "FILE")]
    pub(crate) ca_file: Vec<PathBuf>,
    /// Mirrors and per-host settings in containerd's layout, DIR/<host>/hosts.toml
    #[arg(long, env = "IMC_CERTS_D", value_name = "DIR")]
    pub(crate) certs_d: Vec<PathBuf>,
}

impl RegistryArgs {
    /// Options with files that were given on the command line itself, and the settings that say the same.
    pub(crate) fn files_said(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let said = |given: &[PathBuf], variable: &str, option: &'static str, setting: &'static str| {
            // The command line takes a variable as one path.
            let is_said =
                given.iter().any(|path| std::env::var_os(variable).is_none_or(|value| value != *path));
            is_said.then_some((option, setting))
        };
        let ca = said(&self.ca_file, "IMC_CA_FILE", "--ca-file", "registries.ca_files");
        let certs = said(&self.certs_d, "IMC_CERTS_D", "--certs-d", "registries.certs_dirs");
        ca.into_iter().chain(certs)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc login registry.example -u alice
  echo \"$TOKEN\" | imc login registry.example -u alice --password-stdin

The credentials are checked with the registry and then stored in Docker's config.json ($DOCKER_CONFIG \
or ~/.docker), readable by you alone, or handed to the credential helper that it names.")]
pub(crate) struct LoginArgs {
    /// The registry, as in references
    #[arg(value_parser = whole::<RegistryHost>)]
    pub(crate) host: RegistryHost,
    /// The user name; asked for where it is not given
    #[arg(long, short)]
    pub(crate) username: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc logout registry.example")]
pub(crate) struct LogoutArgs {
    /// The registry, as in references
    #[arg(value_parser = whole::<RegistryHost>)]
    pub(crate) host: RegistryHost,
}
