//! Credentials and client tokens in memory.

use model::{AccountId, CacheId, ImageCache, Timestamp};

use super::Records;
use crate::rules::{self, RememberedRequest};
use crate::{CredentialOwner, Result, SealedCredential, TokenUse};

impl Records {
    pub(super) fn credentials(&self, owner: CredentialOwner) -> Vec<SealedCredential> {
        let theirs = self.credentials.get(&owner).into_iter().flatten();
        theirs
            .map(|(registry, sealed)| SealedCredential { registry: registry.clone(), sealed: sealed.clone() })
            .collect()
    }

    pub(super) fn put_credentials(&mut self, owner: CredentialOwner, credentials: &[SealedCredential]) {
        if credentials.is_empty() {
            self.credentials.remove(&owner);
            return;
        }
        let by_registry = credentials.iter().map(|each| (each.registry.clone(), each.sealed.clone()));
        self.credentials.insert(owner, by_registry.collect());
    }

    pub(super) fn reseal(
        &mut self,
        owner: CredentialOwner,
        from: &[SealedCredential],
        to: &[SealedCredential],
    ) -> bool {
        let is_known = rules::are_same(&self.credentials(owner), from);
        if is_known {
            self.put_credentials(owner, to);
        }
        is_known
    }

    /// The cache that the request of this token was about, where it was done before.
    pub(super) fn before(
        &self,
        account: &AccountId,
        token: &TokenUse,
        target: Option<CacheId>,
        now: Timestamp,
    ) -> Result<Option<ImageCache>> {
        let key = (account.clone(), token.operation, token.token.clone());
        let Some(known) = self.requests.get(&key) else { return Ok(None) };
        if !rules::is_repeated(known, token, target, now)? {
            return Ok(None);
        }
        Ok(Some(self.caches.get(&known.then.id).unwrap_or(&known.then).clone()))
    }

    pub(super) fn remember(&mut self, cache: &ImageCache, token: &TokenUse) {
        let key = (cache.account.clone(), token.operation, token.token.clone());
        let request = RememberedRequest {
            fingerprint: token.fingerprint,
            kept_until: token.kept_until,
            then: cache.clone(),
        };
        self.requests.insert(key, request);
    }

    pub(super) fn forget_requests(&mut self, now: Timestamp) -> u64 {
        let had = self.requests.len();
        self.requests.retain(|_, request| request.kept_until > now);
        (had - self.requests.len()) as u64
    }
}
