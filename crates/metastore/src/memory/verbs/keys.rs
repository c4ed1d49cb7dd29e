//! Credentials, tokens, accounts and access keys.

use async_trait::async_trait;
use model::{AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, SealedSecret, Timestamp};

use super::super::MemoryMetastore;
use crate::{CredentialOwner, KeyVerbs, PAGE_LIMIT, Result, SealedCredential, TokenId, TokenRecord};

#[async_trait]
impl KeyVerbs for MemoryMetastore {
    async fn credentials(&self, owner: CredentialOwner) -> Result<Vec<SealedCredential>> {
        Ok(self.records().credentials(owner))
    }

    async fn reseal_credentials(
        &self,
        owner: CredentialOwner,
        from: &[SealedCredential],
        to: &[SealedCredential],
    ) -> Result<bool> {
        Ok(self.records().reseal(owner, from, to))
    }

    async fn credential_owners(
        &self,
        after: Option<CredentialOwner>,
        limit: u32,
    ) -> Result<Vec<CredentialOwner>> {
        let records = self.records();
        let owners = records.credentials.keys().filter(|owner| after.is_none_or(|after| **owner > after));
        Ok(owners.copied().take(limit.min(PAGE_LIMIT) as usize).collect())
    }

    async fn create_token(&self, token: &TokenRecord) -> Result<()> {
        self.write(&[], None, |records| records.create_token(token))
    }

    async fn token(&self, digest: &[u8; 32]) -> Result<Option<TokenRecord>> {
        Ok(self.records().token(digest))
    }

    async fn tokens(&self, account: Option<&AccountId>) -> Result<Vec<TokenRecord>> {
        Ok(self.records().tokens(account))
    }

    async fn revoke_token(&self, id: &TokenId, now: Timestamp) -> Result<Option<TokenRecord>> {
        Ok(self.records().revoke_token(id, now))
    }

    async fn touch_token(&self, id: &TokenId, now: Timestamp) -> Result<()> {
        self.records().touch_token(id, now);
        Ok(())
    }

    async fn create_account(&self, account: &Account) -> Result<()> {
        self.write(&[], None, |records| records.create_account(account))
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        Ok(self.records().account(id))
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        Ok(self.records().accounts())
    }

    async fn create_access_key(&self, key: &AccessKey) -> Result<()> {
        self.write(&[], None, |records| records.create_access_key(key))
    }

    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        Ok(self.records().access_keys.get(id).cloned())
    }

    async fn access_keys(
        &self,
        account: Option<&AccountId>,
        after: Option<&AccessKeyId>,
        limit: u32,
    ) -> Result<Vec<AccessKey>> {
        Ok(self.records().access_keys(account, after, limit))
    }

    async fn set_access_key_status(
        &self,
        id: &AccessKeyId,
        status: AccessKeyStatus,
    ) -> Result<Option<AccessKey>> {
        Ok(self.records().set_access_key_status(id, status))
    }

    async fn delete_access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        Ok(self.records().access_keys.remove(id))
    }

    async fn reseal_access_key(
        &self,
        id: &AccessKeyId,
        from: &SealedSecret,
        to: &SealedSecret,
    ) -> Result<bool> {
        Ok(self.records().reseal_access_key(id, from, to))
    }

    async fn touch_access_key(&self, id: &AccessKeyId, now: Timestamp) -> Result<()> {
        self.records().touch_access_key(id, now);
        Ok(())
    }
}
