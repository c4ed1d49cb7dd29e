//! Arguments about the configuration.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc config example > /etc/imc/imc.toml
  imc config check /etc/imc/imc.toml
  imc config show

A value comes from the command line, else from its variable in the environment, else from the file, else it is the \
default. The file is /etc/imc/imc.toml where it is there, or the one that --config or IMC_CONFIG names.")]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) action: ConfigAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Show every setting, its value, and where that was said
    #[command(after_help = "\
Examples:
  imc config show
  imc config show -o json
  imc --config ./imc.toml config show

Secrets are shown as `***`.")]
    Show,
    /// Look through a configuration file and say everything that is wrong with it
    Check(ConfigCheckArgs),
    /// Print a configuration file with every setting, explained and left at its default
    #[command(after_help = "\
Examples:
  imc config example > imc.toml")]
    Example,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc config check imc.toml
  imc config check /etc/imc/imc.toml -o json

The environment and the command line are left aside: the file is looked at as it is.")]
pub(crate) struct ConfigCheckArgs {
    /// The file
    pub(crate) file: PathBuf,
}
