//! Accounts and access keys.

use http::Method;
use model::AccountId;
use wire::{
    AccessKey, AccessKeyList, Account, AccountList, CreateAccessKey, CreateAccount, CreatedAccessKey,
    KeyStatus, UpdateAccessKey,
};

use crate::call::Call;
use crate::{Client, Result};

const ACCOUNTS: &str = "/v1/accounts";
const KEYS: &str = "/v1/access-keys";

impl Client {
    /// Creates an account.
    ///
    /// # Errors
    /// Those of every operation: [`Error`](crate::Error).
    pub async fn create_account(&self, new: &CreateAccount) -> Result<Account> {
        Call::new("create an account", Method::POST, ACCOUNTS).body(new).fetch(self).await
    }

    /// Every account.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_accounts(&self) -> Result<AccountList> {
        Call::new("list the accounts", Method::GET, ACCOUNTS).fetch(self).await
    }

    /// Creates an access key; the answer has its secret, this once.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn create_access_key(&self, new: &CreateAccessKey) -> Result<CreatedAccessKey> {
        Call::new("create an access key", Method::POST, KEYS).body(new).fetch(self).await
    }

    /// Every access key, or those of one account.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_access_keys(&self, account: Option<&AccountId>) -> Result<AccessKeyList> {
        let call = Call::new("list the access keys", Method::GET, KEYS);
        call.maybe_query("account", account).fetch(self).await
    }

    /// Lets an access key sign, or not.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn set_access_key_status(&self, id: &str, status: KeyStatus) -> Result<AccessKey> {
        let call = Call::on("change the access key", Method::PATCH, KEYS, id, "")?;
        call.body(&UpdateAccessKey { status }).fetch(self).await
    }

    /// Deletes an access key.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_access_key(&self, id: &str) -> Result<AccessKey> {
        Call::on("delete the access key", Method::DELETE, KEYS, id, "")?.fetch(self).await
    }
}
