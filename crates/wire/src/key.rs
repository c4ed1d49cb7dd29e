//! The idempotency key.

use std::fmt;
use std::str::FromStr;

/// A word of the caller's by which a request that comes again is told from a further one, as the header `Idempotency-Key` has it:
/// 1 to 64 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// Why a text is not an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to take the idempotency key: expected 1 to {LONGEST} visible ASCII characters")]
pub struct KeyError;

/// The longest key.
const LONGEST: usize = 64;

impl IdempotencyKey {
    /// The header that carries it.
    pub const HEADER: &'static str = "idempotency-key";

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let fits = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(KeyError) }
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
