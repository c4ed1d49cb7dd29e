//! The keys of a server: one that seals, older ones that open.

mod file;
mod text;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use crate::envelope::{LONGEST_SECRET, Sealed};
use crate::key::{CipherFailed, Key, KeyId};
use crate::owner::Owner;

pub use file::KeyFileError;
pub use text::KeyTextError;

/// Keys at most: records sealed with the oldest ones should have been sealed anew long ago.
const MOST_KEYS: usize = 64;

/// One active key, which seals, and older ones, which only open. `Debug` shows their ids alone.
#[derive(Clone, Debug)]
pub struct KeyRing {
    active: Key,
    older: Vec<Key>,
}

/// Why a secret is not sealed, or no key made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Too long.
    #[error("failed to seal the secret: it has {0} bytes, at most {LONGEST_SECRET} are taken")]
    TooLong(usize),
    /// The cipher or the system's source of random numbers.
    #[error("failed to seal the secret: the cipher or its source of random numbers does not work")]
    Cipher,
    /// No more keys.
    #[error("failed to add a key: there are {MOST_KEYS} already")]
    TooManyKeys,
}

/// Why a secret is not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Its key is not among ours.
    #[error("failed to open the secret of {owner}: the key {key} that it was sealed with is not there")]
    UnknownKey {
        /// The missing key.
        key: KeyId,
        /// Whose secret it is.
        owner: Owner,
    },
    /// It is not what was sealed for this owner.
    #[error("failed to open the secret of {owner}: it was changed, or sealed for another record")]
    Changed {
        /// Whose secret it should be.
        owner: Owner,
    },
    /// It opened and is no text.
    #[error("failed to read the secret of {owner} as text")]
    NotText {
        /// Whose secret it is.
        owner: Owner,
    },
    /// It opened and could not be sealed anew.
    #[error("failed to seal the secret of {owner} anew")]
    Reseal {
        /// Whose secret it is.
        owner: Owner,
        /// Why.
        source: SealError,
    },
}

impl From<CipherFailed> for SealError {
    fn from(_: CipherFailed) -> Self {
        Self::Cipher
    }
}

impl KeyRing {
    /// A ring with one fresh key.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub fn generate() -> Result<Self, SealError> {
        Ok(Self { active: Key::generate()?, older: Vec::new() })
    }

    /// The same with a fresh active key; the one that was active opens still.
    ///
    /// # Errors
    /// Where the system has no random numbers, or there are 64 keys already.
    pub fn rotated(&self) -> Result<Self, SealError> {
        if self.older.len() + 1 >= MOST_KEYS {
            return Err(SealError::TooManyKeys);
        }
        let older = std::iter::once(&self.active).chain(&self.older).cloned().collect();
        Ok(Self { active: Key::generate()?, older })
    }

    /// The same without the older keys: what they sealed and nobody sealed anew is lost.
    #[must_use]
    pub fn only_active(&self) -> Self {
        Self { active: self.active.clone(), older: Vec::new() }
    }

    /// The key that seals.
    #[must_use]
    pub const fn active(&self) -> KeyId {
        self.active.id()
    }

    /// Every key, the active one first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys().map(Key::id)
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.active).chain(&self.older)
    }

    /// Seals a secret for its owner. Equal secrets never give equal forms.
    ///
    /// # Errors
    /// Where it is longer than [`LONGEST_SECRET`], or the system has no random numbers.
    pub fn seal(&self, owner: &Owner, secret: &[u8]) -> Result<Sealed, SealError> {
        if secret.len() > LONGEST_SECRET {
            return Err(SealError::TooLong(secret.len()));
        }
        // With room for the tag: growing it would leave a copy of the secret behind.
        let mut text = Zeroizing::new(Vec::with_capacity(secret.len() + 16));
        text.extend_from_slice(secret);
        let key = self.active.id();
        let data = owner.associated_data(&Sealed::head_of(key));
        let nonce = self.active.encrypt(&data, &mut text)?;
        Ok(Sealed::join(key, &nonce, &text))
    }

    /// Seals a text for its owner.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_text(&self, owner: &Owner, secret: &SecretString) -> Result<Sealed, SealError> {
        self.seal(owner, secret.expose_secret().as_bytes())
    }

    /// Opens what was sealed for this owner.
    ///
    /// # Errors
    /// Where its key is not among ours, or it is not as it was sealed, or was sealed for another owner.
    pub fn open(&self, owner: &Owner, sealed: &Sealed) -> Result<SecretSlice<u8>, OpenError> {
        let id = sealed.key_id();
        let key = self.keys().find(|key| key.id() == id);
        let key = key.ok_or_else(|| OpenError::UnknownKey { key: id, owner: owner.clone() })?;
        let data = owner.associated_data(sealed.head());
        let mut text = Zeroizing::new(sealed.ciphertext().to_vec());
        let secret = key.decrypt(&data, &sealed.nonce(), &mut text);
        let secret = secret.map_err(|CipherFailed| OpenError::Changed { owner: owner.clone() })?;
        Ok(SecretSlice::from(secret.to_vec()))
    }

    /// Opens a text that was sealed for this owner.
    ///
    /// # Errors
    /// As [`Self::open`], and where the secret is no text.
    pub fn open_text(&self, owner: &Owner, sealed: &Sealed) -> Result<SecretString, OpenError> {
        let secret = self.open(owner, sealed)?;
        let text = std::str::from_utf8(secret.expose_secret());
        text.map(SecretString::from).map_err(|_| OpenError::NotText { owner: owner.clone() })
    }

    /// Seals anew with the active key; nothing where it is sealed with that one.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::seal`].
    pub fn reseal(&self, owner: &Owner, sealed: &Sealed) -> Result<Option<Sealed>, OpenError> {
        if sealed.key_id() == self.active() {
            return Ok(None);
        }
        let secret = self.open(owner, sealed)?;
        let anew = self.seal(owner, secret.expose_secret());
        anew.map(Some).map_err(|source| OpenError::Reseal { owner: owner.clone(), source })
    }
}

#[cfg(test)]
mod tests;
