//! The OCI runtime that makes containers: the embedded one or an installed one, called in the same way.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What the user chose: `--runtime`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeChoice {
    /// libcontainer, inside this program: nothing has to be installed.
    #[default]
    Embedded,
    /// An installed program with runc's command line: a name to look up along PATH and in the sbin directories, or a path.
    Installed(PathBuf),
}

/// A program with runc's command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// What to execute.
    pub program: PathBuf,
    /// Arguments before all others: the hidden subcommand, for the embedded runtime.
    pub prefix_args: Vec<OsString>,
}
