//! Credentials of caches and secrets of access keys at rest: sealed before they are recorded, opened for a build or for a
//! signature.

#[cfg(feature = "test-suite")]
mod plain;

use std::error::Error as StdError;

use metastore::{AnswerKey, CredentialOwner, SealedCredential};
use model::{AccessKeyId, AccountId, GroupId, RegistryHost, SealedSecret};
use registry::Credentials;
use secrecy::SecretString;

#[cfg(feature = "test-suite")]
pub use plain::PlainVault;

/// Seals credentials and opens them. What was sealed for one owner and registry opens for no other.
pub trait Vault: Send + Sync {
    /// Seals.
    ///
    /// # Errors
    /// Where there is no key, or it does not work.
    fn seal(
        &self,
        owner: CredentialOwner,
        registry: &RegistryHost,
        credentials: &Credentials,
    ) -> Result<SealedCredential, VaultError>;

    /// Opens what was sealed for that owner.
    ///
    /// # Errors
    /// Where the key that it was sealed with is gone, or it was sealed for another.
    fn open(&self, owner: CredentialOwner, sealed: &SealedCredential) -> Result<Credentials, VaultError>;

    /// Seals the secret of an access key.
    ///
    /// # Errors
    /// Where there is no key, or it does not work.
    fn seal_secret(
        &self,
        account: &AccountId,
        key: &AccessKeyId,
        secret: &SecretString,
    ) -> Result<SealedSecret, VaultError>;

    /// Opens what was sealed for that account's access key.
    ///
    /// # Errors
    /// Where the key that it was sealed with is gone, or it was sealed for another.
    fn open_secret(
        &self,
        account: &AccountId,
        key: &AccessKeyId,
        sealed: &SealedSecret,
    ) -> Result<SecretString, VaultError>;

    /// Seals the answer to a request that is carried out once, where that tells a secret.
    ///
    /// # Errors
    /// Where there is no key, or it does not work.
    fn seal_answer(&self, of: &AnswerKey, answer: &SecretString) -> Result<Vec<u8>, VaultError>;

    /// Opens what was sealed as that request's answer.
    ///
    /// # Errors
    /// Where the key that it was sealed with is gone, or it was sealed for another.
    fn open_answer(&self, of: &AnswerKey, sealed: Vec<u8>) -> Result<SecretString, VaultError>;

    /// Seals a part of what only the containers of a group may read.
    ///
    /// # Errors
    /// Where there is no key, or it does not work.
    fn seal_group(
        &self,
        account: &AccountId,
        group: GroupId,
        part: u32,
        secret: &SecretString,
    ) -> Result<SealedSecret, VaultError>;

    /// Opens what was sealed as that part for that account's group.
    ///
    /// # Errors
    /// Where the key that it was sealed with is gone, or it was sealed for another.
    fn open_group(
        &self,
        account: &AccountId,
        group: GroupId,
        part: u32,
        sealed: &SealedSecret,
    ) -> Result<SecretString, VaultError>;
}

/// Why credentials could not be sealed or opened. Says nothing of what is in them.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// No key is set.
    #[error(
        "failed to keep the credentials for {registry}: no key to seal them with is set (secrets.key_file or IMC_SECRET_KEY)"
    )]
    NoKey {
        /// Whom they are for.
        registry: RegistryHost,
    },
    /// Sealing failed.
    #[error("failed to seal the credentials for {registry}")]
    Seal {
        /// Whom they are for.
        registry: RegistryHost,
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// No key is set.
    #[error(
        "failed to keep the secret of the access key {key}: no key to seal it with is set (secrets.key_file or IMC_SECRET_KEY)"
    )]
    NoKeyForSecret {
        /// Whose secret.
        key: AccessKeyId,
    },
    /// No key is set.
    #[error(
        "failed to keep an answer that tells a secret: no key to seal it with is set (secrets.key_file or IMC_SECRET_KEY)"
    )]
    NoKeyForAnswer,
    /// Sealing an answer failed.
    #[error("failed to seal an answer that tells a secret")]
    SealAnswer(#[source] Box<dyn StdError + Send + Sync>),
    /// Opening an answer failed.
    #[error("failed to open an answer that tells a secret; was its key rotated away?")]
    OpenAnswer(#[source] Box<dyn StdError + Send + Sync>),
    /// Sealing a secret failed.
    #[error("failed to seal the secret of the access key {key}")]
    SealSecret {
        /// Whose secret.
        key: AccessKeyId,
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Opening a secret failed.
    #[error("failed to open the secret of the access key {key}")]
    OpenSecret {
        /// Whose secret.
        key: AccessKeyId,
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// No key is set.
    #[error(
        "failed to keep what only the containers of {group} may read: no key to seal it with is set (secrets.key_file or IMC_SECRET_KEY)"
    )]
    NoKeyForGroup {
        /// Whose.
        group: GroupId,
    },
    /// Sealing what a group's containers may read failed.
    #[error("failed to seal what only the containers of {group} may read")]
    SealGroup {
        /// Whose.
        group: GroupId,
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Opening it failed.
    #[error("failed to open what only the containers of {group} may read")]
    OpenGroup {
        /// Whose.
        group: GroupId,
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Opening failed.
    #[error("failed to open the credentials for {registry}")]
    Open {
        /// Whom they are for.
        registry: RegistryHost,
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}
