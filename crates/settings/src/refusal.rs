//! Why a configuration is not taken.

use std::fmt;
use std::path::PathBuf;

use crate::origin::Origin;

/// One thing that is wrong. No text holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The file is not TOML.
    #[error("failed to read the configuration file {}:{line}:{column}: {problem}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What the parser says.
        problem: String,
    },
    /// The file has a key that is no setting.
    #[error("failed to find the setting `{key}` of {origin}{}", suggestion(.nearest.as_deref()))]
    UnknownKey {
        /// The key as the file has it.
        key: String,
        /// Where.
        origin: Origin,
        /// The setting whose key is most like it, where one is.
        nearest: Option<String>,
    },
    /// A value that the setting cannot have.
    #[error("failed to take the value {value} of `{key}` ({origin}): expected {allowed}")]
    Value {
        /// The setting.
        key: &'static str,
        /// What was given; of secrets only that something was.
        value: String,
        /// What is allowed.
        allowed: String,
        /// Where it was said.
        origin: Origin,
    },
    /// A secret in the file, which others may read.
    #[error("failed to take the value of `{key}` ({origin}): it is a secret and comes by {variable} alone")]
    Misplaced {
        /// The setting.
        key: &'static str,
        /// The variable that may hold it.
        variable: &'static str,
        /// Where it was said.
        origin: Origin,
    },
    /// Two values, each by itself allowed, do not fit.
    #[error("failed to join `{key}` ({origin}) with `{other}` ({other_origin}): {rule}")]
    Clash {
        /// One setting.
        key: &'static str,
        /// Where it was said.
        origin: Origin,
        /// The other setting.
        other: &'static str,
        /// Where that was said.
        other_origin: Origin,
        /// The rule that both break.
        rule: &'static str,
    },
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |key| format!("; is `{key}` meant?"))
}

/// Everything that is wrong with a configuration; at least one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(Vec<Refusal>);

impl Refused {
    pub(crate) fn unless_empty(refusals: Vec<Refusal>) -> Result<(), Self> {
        if refusals.is_empty() { Ok(()) } else { Err(Self(refusals)) }
    }

    /// Each of them, those of the file first and in its order.
    #[must_use]
    pub fn refusals(&self) -> &[Refusal] {
        &self.0
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(vec![refusal])
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, refusal) in self.0.iter().enumerate() {
            let before = if index == 0 { "" } else { "; " };
            write!(f, "{before}{refusal}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}
