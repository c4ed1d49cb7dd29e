//! One key.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretBox};

/// Bytes of a key.
const KEY: usize = 32;
/// Characters of a key in base64 with padding.
pub(crate) const KEY_TEXT: usize = 44;

/// Tells keys apart: the first eight bytes of a digest of the key. Not secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; Self::LENGTH]);

impl KeyId {
    /// Its length in the sealed form.
    pub(crate) const LENGTH: usize = 8;

    pub(crate) const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key. Wiped from memory when dropped; `Debug` shows its id.
pub(crate) struct Key {
    id: KeyId,
    bytes: SecretBox<[u8; KEY]>,
}

/// The system's source of random numbers failed, or the cipher did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CipherFailed;

impl Key {
    fn of(bytes: SecretBox<[u8; KEY]>) -> Self {
        let mut digest = Context::new(&SHA256);
        digest.update(b"imc key id 1");
        digest.update(bytes.expose_secret());
        let mut id = [0; KeyId::LENGTH];
        id.copy_from_slice(&digest.finish().as_ref()[..KeyId::LENGTH]);
        Self { id: KeyId(id), bytes }
    }

    pub(crate) fn generate() -> Result<Self, CipherFailed> {
        let bytes = SecretBox::try_init_with(|| {
            let mut bytes = [0; KEY];
            rand::fill(&mut bytes).map(|()| bytes)
        });
        bytes.map(Self::of).map_err(|_| CipherFailed)
    }

    /// Reads base64 with padding. Nothing where it is anything else, or not of 32 bytes.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        if text.len() != KEY_TEXT {
            return None;
        }
        // One byte more than a key: that many a text of this length may hold.
        let mut decoded = Zeroizing::new([0; KEY + 1]);
        let length = STANDARD.decode_slice(text, decoded.as_mut_slice()).ok()?;
        let bytes = decoded.get(..length)?.try_into().ok()?;
        Some(Self::of(SecretBox::new(Box::new(bytes))))
    }

    /// Writes base64 with padding.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.bytes.expose_secret()))
    }

    pub(crate) const fn id(&self) -> KeyId {
        self.id
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, CipherFailed> {
        RandomizedNonceKey::new(&AES_256_GCM, self.bytes.expose_secret()).map_err(|_| CipherFailed)
    }

    /// Encrypts in place and puts the tag behind. Returns the nonce, which the library drew.
    pub(crate) fn encrypt(&self, data: &[u8], text: &mut Vec<u8>) -> Result<[u8; 12], CipherFailed> {
        let nonce =
            self.cipher()?.seal_in_place_append_tag(Aad::from(data), text).map_err(|_| CipherFailed)?;
        Ok(*nonce.as_ref())
    }

    /// Decrypts in place; the secret is what is left in front. Nothing but the tag says whether it is the right one.
    pub(crate) fn decrypt<'a>(
        &self,
        data: &[u8],
        nonce: &[u8; 12],
        text: &'a mut [u8],
    ) -> Result<&'a mut [u8], CipherFailed> {
        let nonce = Nonce::from(nonce);
        self.cipher()?.open_in_place(nonce, Aad::from(data), text).map_err(|_| CipherFailed)
    }
}

impl Clone for Key {
    fn clone(&self) -> Self {
        Self { id: self.id, bytes: SecretBox::new(Box::new(*self.bytes.expose_secret())) }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}
