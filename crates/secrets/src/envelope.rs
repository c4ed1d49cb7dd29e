//! The sealed form: how it is laid out, and what is no such form.

use std::fmt;

use crate::key::KeyId;

const VERSION: u8 = 1;
/// Version and key id: what the associated data begins with.
const HEAD: usize = 1 + KeyId::LENGTH;
const NONCE: usize = 12;
const TAG: usize = 16;
/// What stands before the ciphertext.
const BEFORE: usize = HEAD + NONCE;

/// The longest secret that is sealed, in bytes: far over every registry's tokens.
pub const LONGEST_SECRET: usize = 64 * 1024;

/// A secret as the records keep it. Without the key it tells only its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

/// Why bytes are no sealed secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Too short or too long for one.
    #[error(
        "failed to read the sealed secret: it has {0} bytes, expected {least} to {most}",
        least = BEFORE + TAG,
        most = BEFORE + LONGEST_SECRET + TAG
    )]
    Length(usize),
    /// Sealed by a newer imc.
    #[error("failed to read the sealed secret: its version is {0}, known is {VERSION}")]
    Version(u8),
}

impl Sealed {
    /// Takes what the records have.
    ///
    /// # Errors
    /// Where it cannot be a sealed secret. Whether it is one that was not changed, only opening tells.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, EnvelopeError> {
        let lengths = BEFORE + TAG..=BEFORE + LONGEST_SECRET + TAG;
        if !lengths.contains(&bytes.len()) {
            return Err(EnvelopeError::Length(bytes.len()));
        }
        match bytes[0] {
            VERSION => Ok(Self(bytes)),
            version => Err(EnvelopeError::Version(version)),
        }
    }

    /// As the records keep it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key that it was sealed with.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        KeyId::from_bytes(self.part(1))
    }

    pub(crate) fn nonce(&self) -> [u8; NONCE] {
        self.part(HEAD)
    }

    pub(crate) fn head(&self) -> &[u8] {
        &self.0[..HEAD]
    }

    /// Ciphertext and tag.
    pub(crate) fn ciphertext(&self) -> &[u8] {
        &self.0[BEFORE..]
    }

    fn part<const LENGTH: usize>(&self, from: usize) -> [u8; LENGTH] {
        let part = self.0.get(from..).and_then(|rest| rest.first_chunk());
        *part.expect("the length was checked when it was made")
    }

    /// What the associated data of a secret under that key begins with.
    pub(crate) fn head_of(key: KeyId) -> Vec<u8> {
        [&[VERSION], key.as_bytes().as_slice()].concat()
    }

    pub(crate) fn join(key: KeyId, nonce: &[u8; NONCE], ciphertext: &[u8]) -> Self {
        Self([&Self::head_of(key), nonce.as_slice(), ciphertext].concat())
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes by {})", self.0.len(), self.key_id())
    }
}
