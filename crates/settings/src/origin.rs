//! Where a value was said.

use std::fmt;
use std::path::PathBuf;

/// Where a value was said. Later variants win over earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nowhere.
    Default,
    /// In the file, on that line (from 1).
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// In that variable of the environment.
    Environment(&'static str),
    /// By that option of the command line.
    Flag(&'static str),
}

impl Origin {
    /// What kind of place it is, as a stable word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File { .. } => "file",
            Self::Environment(_) => "environment",
            Self::Flag(_) => "command-line",
        }
    }

    /// The place itself, where there is one: `FILE:LINE`, the variable, the option.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        match self {
            Self::Default => None,
            Self::File { path, line } => Some(format!("{}:{line}", path.display())),
            Self::Environment(variable) => Some((*variable).to_owned()),
            Self::Flag(option) => Some((*option).to_owned()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place().unwrap_or_else(|| self.as_str().to_owned()))
    }
}
