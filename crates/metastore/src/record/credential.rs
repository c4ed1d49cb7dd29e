//! Credentials at rest. Whoever has the key opens them; the records do not.

use model::{CacheId, RegistryHost};

/// Whose credentials: what is sealed for one owner does not open for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CredentialOwner {
    /// A cache.
    Cache(CacheId),
}

/// User name and password for one registry, sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedCredential {
    /// The registry that they are for, and no other.
    pub registry: RegistryHost,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
}

impl std::fmt::Debug for SealedCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedCredential").field("registry", &self.registry).finish_non_exhaustive()
    }
}
