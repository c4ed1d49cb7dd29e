//! Keys as text: what the file and the variable hold.

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use super::{KeyRing, MOST_KEYS};
use crate::key::{KEY_TEXT, Key, KeyId};

/// What stands at the top of a file that is written here.
const HEAD: &str = "\
# The keys that imc seals credentials with. The first one seals, the others only open.
# Whoever can read this file can read them all; without it they are lost.
";

/// Why a text holds no keys. No part of the text is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextError {
    /// A line that is no key.
    #[error("failed to read the key on line {line}: expected 32 bytes in base64, {KEY_TEXT} characters")]
    Line {
        /// From 1.
        line: usize,
    },
    /// The same key again.
    #[error("failed to tell the keys apart: {id} is there again on line {line}")]
    Twice {
        /// The key.
        id: KeyId,
        /// From 1.
        line: usize,
    },
    /// No key at all.
    #[error("failed to find a key: every line is empty or a comment")]
    None,
    /// More than can be of use.
    #[error("failed to read the keys: there are more than {MOST_KEYS}")]
    TooMany,
}

impl KeyRing {
    /// Reads keys from a text, the active one first.
    ///
    /// # Errors
    /// Where a line is no key, a key is there twice, or there is none.
    pub fn parse(text: &SecretString) -> Result<Self, KeyTextError> {
        let mut keys: Vec<Key> = Vec::new();
        for (index, line) in text.expose_secret().lines().enumerate() {
            let (line, number) = (line.trim(), index + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = Key::from_text(line).ok_or(KeyTextError::Line { line: number })?;
            if keys.iter().any(|other| other.id() == key.id()) {
                return Err(KeyTextError::Twice { id: key.id(), line: number });
            }
            if keys.len() == MOST_KEYS {
                return Err(KeyTextError::TooMany);
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let active = keys.next().ok_or(KeyTextError::None)?;
        Ok(Self { active, older: keys.collect() })
    }

    /// The text that reads back as this ring.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        let length = HEAD.len() + (KEY_TEXT + 1) * self.keys().count();
        // As long as it gets: growing would leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(HEAD);
        for key in self.keys() {
            text.push_str(&key.to_text());
            text.push('\n');
        }
        SecretString::from(text.as_str())
    }
}
