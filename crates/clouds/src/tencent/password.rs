//! A password that nothing prints by accident.

use std::fmt;

/// A password. Prints as `[redacted]`.
#[derive(Clone, Default)]
pub struct Password(String);

impl Password {
    pub(super) fn of(text: String) -> Self {
        Self(text)
    }

    /// The password itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
