//! Credentials, tokens, accounts and access keys.

use async_trait::async_trait;
use model::{AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, SealedSecret, Timestamp};

use super::super::{SqliteMetastore, access_keys, credentials, tokens};
use crate::{CredentialOwner, KeyVerbs, Result, SealedCredential, TokenId, TokenRecord};

#[async_trait]
impl KeyVerbs for SqliteMetastore {
    async fn credentials(&self, owner: CredentialOwner) -> Result<Vec<SealedCredential>> {
        credentials::of(&mut *self.reading("read the credentials").await?, owner).await
    }

    async fn reseal_credentials(
        &self,
        owner: CredentialOwner,
        from: &[SealedCredential],
        to: &[SealedCredential],
    ) -> Result<bool> {
        let mut writing = self.writing("reseal the credentials").await?;
        let resealed = credentials::reseal(&mut writing.transaction, owner, from, to).await?;
        writing.commit().await?;
        Ok(resealed)
    }

    async fn credential_owners(
        &self,
        after: Option<CredentialOwner>,
        limit: u32,
    ) -> Result<Vec<CredentialOwner>> {
        credentials::owners(&mut *self.reading("find the owners of credentials").await?, after, limit).await
    }

    async fn create_token(&self, token: &TokenRecord) -> Result<()> {
        let mut writing = self.writing("record the token").await?;
        tokens::create(&mut writing.transaction, token).await?;
        writing.commit().await
    }

    async fn token(&self, digest: &[u8; 32]) -> Result<Option<TokenRecord>> {
        tokens::by_digest(&mut *self.reading("read the token").await?, digest).await
    }

    async fn tokens(&self, account: Option<&AccountId>) -> Result<Vec<TokenRecord>> {
        tokens::list(&mut *self.reading("list the tokens").await?, account).await
    }

    async fn revoke_token(&self, id: &TokenId, now: Timestamp) -> Result<Option<TokenRecord>> {
        let mut writing = self.writing("revoke the token").await?;
        let token = tokens::revoke(&mut writing.transaction, id, now).await?;
        writing.commit().await?;
        Ok(token)
    }

    async fn touch_token(&self, id: &TokenId, now: Timestamp) -> Result<()> {
        let mut writing = self.writing_quickly("note the token's use").await?;
        tokens::touch(&mut writing.transaction, id, now).await?;
        writing.commit().await
    }

    async fn create_account(&self, account: &Account) -> Result<()> {
        let mut writing = self.writing("record the account").await?;
        access_keys::create_account(&mut writing.transaction, account).await?;
        writing.commit().await
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        access_keys::account(&mut *self.reading("find the account").await?, id).await
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        access_keys::accounts(&mut *self.reading("list the accounts").await?).await
    }

    async fn create_access_key(&self, key: &AccessKey) -> Result<()> {
        let mut writing = self.writing("record the access key").await?;
        access_keys::create(&mut writing.transaction, key).await?;
        writing.commit().await
    }

    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        access_keys::get(&mut *self.reading("find the access key").await?, id).await
    }

    async fn access_keys(
        &self,
        account: Option<&AccountId>,
        after: Option<&AccessKeyId>,
        limit: u32,
    ) -> Result<Vec<AccessKey>> {
        access_keys::list(&mut *self.reading("list the access keys").await?, account, after, limit).await
    }

    async fn set_access_key_status(
        &self,
        id: &AccessKeyId,
        status: AccessKeyStatus,
    ) -> Result<Option<AccessKey>> {
        let mut writing = self.writing("change the access key").await?;
        let key = access_keys::set_status(&mut writing.transaction, id, status).await?;
        writing.commit().await?;
        Ok(key)
    }

    async fn delete_access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        let mut writing = self.writing("delete the access key").await?;
        let key = access_keys::delete(&mut writing.transaction, id).await?;
        writing.commit().await?;
        Ok(key)
    }

    async fn reseal_access_key(
        &self,
        id: &AccessKeyId,
        from: &SealedSecret,
        to: &SealedSecret,
    ) -> Result<bool> {
        let mut writing = self.writing("seal the access key's secret anew").await?;
        let is_done = access_keys::reseal(&mut writing.transaction, id, from, to).await?;
        writing.commit().await?;
        Ok(is_done)
    }

    async fn touch_access_key(&self, id: &AccessKeyId, now: Timestamp) -> Result<()> {
        let mut writing = self.writing_quickly("note the access key's use").await?;
        access_keys::touch(&mut writing.transaction, id, now).await?;
        writing.commit().await
    }
}
