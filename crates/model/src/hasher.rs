//! The one way to hash: wraps the crypto library so that it can be changed in one place.

use aws_lc_rs::digest::{Context, SHA256, SHA512};

use crate::{Algorithm, Digest};

/// Hashes a stream of bytes.
#[derive(Clone)]
pub struct Hasher {
    algorithm: Algorithm,
    context: Context,
}

impl Hasher {
    /// Starts a digest.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        let context = Context::new(match algorithm {
            Algorithm::Sha256 => &SHA256,
            Algorithm::Sha512 => &SHA512,
        });
        Self { algorithm, context }
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    /// The digest of all bytes taken.
    #[must_use]
    pub fn finish(self) -> Digest {
        let out = self.context.finish();
        let bytes = out.as_ref();
        match self.algorithm {
            Algorithm::Sha256 => Digest::Sha256(bytes.try_into().expect("SHA-256 gives 32 bytes")),
            Algorithm::Sha512 => Digest::Sha512(bytes.try_into().expect("SHA-512 gives 64 bytes")),
        }
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hasher").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
