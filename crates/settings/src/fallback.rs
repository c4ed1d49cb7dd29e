//! What holds where nothing was said.

use crate::groups::Settings;

/// What defaults may depend on besides other settings.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Processors that this process may use.
    pub processors: usize,
}

/// What holds where nothing was said.
#[derive(Clone, Copy, Debug)]
pub enum Fallback {
    /// This value, written as in the environment.
    Is(&'static str),
    /// None: the setting is unset.
    Unset {
        /// A value as one may look, written as in the environment.
        example: &'static str,
    },
    /// A value that depends on the machine or on settings further up in the table.
    Computed {
        /// What it is, in words.
        words: &'static str,
        /// A value as one may look, written as in the environment.
        example: &'static str,
        /// The value, written as in the environment.
        of: fn(&Settings, Machine) -> std::ffi::OsString,
    },
}
