//! Credentials, tokens, accounts and access keys.

use async_trait::async_trait;
use model::{AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, SealedSecret, Timestamp};

use crate::{CredentialOwner, Result, SealedCredential, TokenId, TokenRecord};

/// Credentials, tokens, accounts and access keys. What holds of every verb stands at [`Metastore`](crate::Metastore).
#[async_trait]
pub trait KeyVerbs: Send + Sync {
    /// The sealed credentials of an owner, by registry.
    ///
    /// # Errors
    /// Only the common ones.
    async fn credentials(&self, owner: CredentialOwner) -> Result<Vec<SealedCredential>>;

    /// Puts freshly sealed credentials in the place of those that the owner has; `false`, and nothing is done, where they are
    /// no longer `from`.
    ///
    /// # Errors
    /// Only the common ones.
    async fn reseal_credentials(
        &self,
        owner: CredentialOwner,
        from: &[SealedCredential],
        to: &[SealedCredential],
    ) -> Result<bool>;

    /// Up to `limit` owners of credentials behind that one, in order.
    ///
    /// # Errors
    /// Only the common ones.
    async fn credential_owners(
        &self,
        after: Option<CredentialOwner>,
        limit: u32,
    ) -> Result<Vec<CredentialOwner>>;

    /// Records a bearer token.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) where its id is taken.
    async fn create_token(&self, token: &TokenRecord) -> Result<()>;

    /// The token of that digest, valid or not; `None` where there is none.
    ///
    /// # Errors
    /// Only the common ones.
    async fn token(&self, digest: &[u8; 32]) -> Result<Option<TokenRecord>>;

    /// Every token, or those of one account, in order of creation (at most 1000).
    ///
    /// # Errors
    /// Only the common ones.
    async fn tokens(&self, account: Option<&AccountId>) -> Result<Vec<TokenRecord>>;

    /// Revokes a token; `None` where there is none of that id. Revoking again changes nothing.
    ///
    /// # Errors
    /// Only the common ones.
    async fn revoke_token(&self, id: &TokenId, now: Timestamp) -> Result<Option<TokenRecord>>;

    /// Notes that a request came with a token, to the hour; the time never moves back. It takes its turn among the verbs that
    /// write: ask only where the hour is not noted yet.
    ///
    /// # Errors
    /// Only the common ones.
    async fn touch_token(&self, id: &TokenId, now: Timestamp) -> Result<()>;

    /// Records an account.
    ///
    /// # Errors
    /// [`AccountTaken`](crate::Error::AccountTaken). `local` is always there.
    async fn create_account(&self, account: &Account) -> Result<()>;

    /// The account of that id; `None` where there is none.
    ///
    /// # Errors
    /// Only the common ones.
    async fn account(&self, id: &AccountId) -> Result<Option<Account>>;

    /// Every account, in order of its id.
    ///
    /// # Errors
    /// Only the common ones.
    async fn accounts(&self) -> Result<Vec<Account>>;

    /// Records an access key.
    ///
    /// # Errors
    /// [`NoAccount`](crate::Error::NoAccount); [`Conflict`](crate::Error::Conflict) where its id is taken.
    async fn create_access_key(&self, key: &AccessKey) -> Result<()>;

    /// The access key of that id, enabled or not; `None` where there is none.
    ///
    /// # Errors
    /// Only the common ones.
    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>>;

    /// Up to `limit` access keys, of all or of one account, behind that id, in order of their ids.
    ///
    /// # Errors
    /// Only the common ones.
    async fn access_keys(
        &self,
        account: Option<&AccountId>,
        after: Option<&AccessKeyId>,
        limit: u32,
    ) -> Result<Vec<AccessKey>>;

    /// Lets an access key sign or not, and gives it as it is now; `None` where there is none of that id.
    ///
    /// # Errors
    /// Only the common ones.
    async fn set_access_key_status(
        &self,
        id: &AccessKeyId,
        status: AccessKeyStatus,
    ) -> Result<Option<AccessKey>>;

    /// Deletes an access key, and gives it as it was last; `None` where there is none of that id.
    ///
    /// # Errors
    /// Only the common ones.
    async fn delete_access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>>;

    /// Puts a freshly sealed secret in the place of that which the access key has; `false`, and nothing is done, where it is no
    /// longer `from`.
    ///
    /// # Errors
    /// Only the common ones.
    async fn reseal_access_key(
        &self,
        id: &AccessKeyId,
        from: &SealedSecret,
        to: &SealedSecret,
    ) -> Result<bool>;

    /// Notes that a request came that an access key had signed, to the hour, as [`touch_token`](Self::touch_token) does.
    ///
    /// # Errors
    /// Only the common ones.
    async fn touch_access_key(&self, id: &AccessKeyId, now: Timestamp) -> Result<()>;
}
