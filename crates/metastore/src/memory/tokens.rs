//! Bearer tokens in memory.

use model::{AccountId, Timestamp};

use super::Records;
use crate::error::taken;
use crate::{PAGE_LIMIT, Result, TokenId, TokenRecord, rules};

impl Records {
    pub(super) fn create_token(&mut self, token: &TokenRecord) -> Result<()> {
        if self.tokens.contains_key(&token.id()) {
            return Err(taken("token", token.id().as_str()));
        }
        let kept = TokenRecord { label: rules::kept(&token.label), ..token.clone() };
        self.tokens.insert(token.id(), kept);
        Ok(())
    }

    pub(super) fn token(&self, digest: &[u8; 32]) -> Option<TokenRecord> {
        self.tokens.get(&TokenId::of(digest)).filter(|token| token.digest == *digest).cloned()
    }

    pub(super) fn tokens(&self, account: Option<&AccountId>) -> Vec<TokenRecord> {
        let wanted = self.tokens.values().filter(|token| account.is_none_or(|one| token.account == *one));
        let mut tokens: Vec<_> = wanted.cloned().collect();
        tokens.sort_by_key(|token| (token.created, token.id()));
        tokens.truncate(PAGE_LIMIT as usize);
        tokens
    }

    pub(super) fn revoke_token(&mut self, id: &TokenId, now: Timestamp) -> Option<TokenRecord> {
        let token = self.tokens.get_mut(id)?;
        token.revoked = token.revoked.or(Some(now));
        Some(token.clone())
    }

    pub(super) fn touch_token(&mut self, id: &TokenId, now: Timestamp) {
        if let Some(token) = self.tokens.get_mut(id) {
            token.last_used = token.last_used.max(Some(rules::hour_of(now)));
        }
    }
}
