//! Credentials, tokens, accounts and access keys.

use async_trait::async_trait;
use model::{AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, SealedSecret, Timestamp};

use super::super::{Connection, Store, Verb, Writing, access_keys, credentials, tokens};
use crate::{CredentialOwner, KeyVerbs, Result, SealedCredential, TokenId, TokenRecord};

#[async_trait]
impl KeyVerbs for Store {
    async fn credentials(&self, owner: CredentialOwner) -> Result<Vec<SealedCredential>> {
        self.read("read the credentials", async |connection: &mut Connection| {
            credentials::of(connection, owner).await
        })
        .await
    }

    async fn reseal_credentials(
        &self,
        owner: CredentialOwner,
        from: &[SealedCredential],
        to: &[SealedCredential],
    ) -> Result<bool> {
        let verb = Verb::durable("reseal the credentials", &[], None);
        self.write(verb, async |writing: &mut Writing| credentials::reseal(writing, owner, from, to).await)
            .await
    }

    async fn credential_owners(
        &self,
        after: Option<CredentialOwner>,
        limit: u32,
    ) -> Result<Vec<CredentialOwner>> {
        self.read("find the owners of credentials", async |connection: &mut Connection| {
            credentials::owners(connection, after, limit).await
        })
        .await
    }

    async fn create_token(&self, token: &TokenRecord) -> Result<()> {
        let verb = Verb::durable("record the token", &[], None);
        self.write(verb, async |writing: &mut Writing| tokens::create(writing, token).await).await
    }

    async fn token(&self, digest: &[u8; 32]) -> Result<Option<TokenRecord>> {
        self.read("find the token", async |connection: &mut Connection| tokens::get(connection, digest).await)
            .await
    }

    async fn tokens(&self, account: Option<&AccountId>) -> Result<Vec<TokenRecord>> {
        self.read("list the tokens", async |connection: &mut Connection| {
            tokens::all(connection, account).await
        })
        .await
    }

    async fn revoke_token(&self, id: &TokenId, now: Timestamp) -> Result<Option<TokenRecord>> {
        let verb = Verb::durable("revoke the token", &[], None);
        self.write(verb, async |writing: &mut Writing| tokens::revoke(writing, id, now).await).await
    }

    async fn touch_token(&self, id: &TokenId, now: Timestamp) -> Result<()> {
        let verb = Verb::quick("note the token's use", &[], None);
        self.write(verb, async |writing: &mut Writing| tokens::touch(writing, id, now).await).await
    }

    async fn create_account(&self, account: &Account) -> Result<()> {
        let verb = Verb::durable("record the account", &[], None);
        self.write(verb, async |writing: &mut Writing| access_keys::create_account(writing, account).await)
            .await
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        self.read("find the account", async |connection: &mut Connection| {
            access_keys::account(connection, id).await
        })
        .await
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        self.read("list the accounts", async |connection: &mut Connection| {
            access_keys::accounts(connection).await
        })
        .await
    }

    async fn create_access_key(&self, key: &AccessKey) -> Result<()> {
        let verb = Verb::durable("record the access key", &[], None);
        self.write(verb, async |writing: &mut Writing| access_keys::create(writing, key).await).await
    }

    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        self.read("find the access key", async |connection: &mut Connection| {
            access_keys::get(connection, id).await
        })
        .await
    }

    async fn access_keys(
        &self,
        account: Option<&AccountId>,
        after: Option<&AccessKeyId>,
        limit: u32,
    ) -> Result<Vec<AccessKey>> {
        self.read("list the access keys", async |connection: &mut Connection| {
            access_keys::list(connection, account, after, limit).await
        })
        .await
    }

    async fn set_access_key_status(
        &self,
        id: &AccessKeyId,
        status: AccessKeyStatus,
    ) -> Result<Option<AccessKey>> {
        let verb = Verb::durable("change the access key", &[], None);
        self.write(verb, async |writing: &mut Writing| access_keys::set_status(writing, id, status).await)
            .await
    }

    async fn delete_access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        let verb = Verb::durable("delete the access key", &[], None);
        self.write(verb, async |writing: &mut Writing| access_keys::delete(writing, id).await).await
    }

    async fn reseal_access_key(
        &self,
        id: &AccessKeyId,
        from: &SealedSecret,
        to: &SealedSecret,
    ) -> Result<bool> {
        let verb = Verb::durable("seal the access key's secret anew", &[], None);
        self.write(verb, async |writing: &mut Writing| access_keys::reseal(writing, id, from, to).await).await
    }

    async fn touch_access_key(&self, id: &AccessKeyId, now: Timestamp) -> Result<()> {
        let verb = Verb::quick("note the access key's use", &[], None);
        self.write(verb, async |writing: &mut Writing| access_keys::touch(writing, id, now).await).await
    }
}
