//! A vault for tests, that anybody can read.

use std::error::Error as StdError;

use metastore::{AnswerKey, CredentialOwner, SealedCredential};
use model::{AccessKeyId, AccountId, GroupId, RegistryHost, SealedSecret};
use registry::Credentials;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Vault, VaultError};

/// Seals by writing down for whom: enough to see that nothing is opened for another.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainVault;

type Cause = Box<dyn StdError + Send + Sync>;

fn sealed(owner: &str, secret: &str) -> Vec<u8> {
    format!("{owner}: {secret}").into_bytes()
}

fn opened(owner: &str, sealed: &[u8]) -> Result<SecretString, Cause> {
    let text = std::str::from_utf8(sealed)?;
    let secret = text.strip_prefix(owner).and_then(|rest| rest.strip_prefix(": "));
    Ok(secret.ok_or("it was sealed for another")?.into())
}

impl Vault for PlainVault {
    fn seal(
        &self,
        owner: CredentialOwner,
        registry: &RegistryHost,
        credentials: &Credentials,
    ) -> Result<SealedCredential, VaultError> {
        let Credentials::Basic { username, password } = credentials else {
            let source = "only names with passwords are sealed".into();
            return Err(VaultError::Seal { registry: registry.clone(), source });
        };
        let pair = format!("{username} {}", password.expose_secret());
        let sealed = sealed(&format!("{owner:?} {registry}"), &pair);
        Ok(SealedCredential { registry: registry.clone(), sealed })
    }

    fn open(&self, owner: CredentialOwner, sealed: &SealedCredential) -> Result<Credentials, VaultError> {
        let registry = &sealed.registry;
        let failed = |source| VaultError::Open { registry: registry.clone(), source };
        let pair = opened(&format!("{owner:?} {registry}"), &sealed.sealed).map_err(failed)?;
        let pair = pair.expose_secret().split_once(' ').ok_or_else(|| failed("it is no pair".into()))?;
        Ok(Credentials::basic(pair.0, pair.1))
    }

    fn seal_secret(
        &self,
        account: &AccountId,
        key: &AccessKeyId,
        secret: &SecretString,
    ) -> Result<SealedSecret, VaultError> {
        Ok(SealedSecret::from_bytes(sealed(&format!("{account} {key}"), secret.expose_secret())))
    }

    fn open_secret(
        &self,
        account: &AccountId,
        key: &AccessKeyId,
        sealed: &SealedSecret,
    ) -> Result<SecretString, VaultError> {
        opened(&format!("{account} {key}"), sealed.as_bytes())
            .map_err(|source| VaultError::OpenSecret { key: key.clone(), source })
    }

    fn seal_answer(&self, of: &AnswerKey, answer: &SecretString) -> Result<Vec<u8>, VaultError> {
        Ok(sealed(&format!("{of:?}"), answer.expose_secret()))
    }

    fn open_answer(&self, of: &AnswerKey, sealed: Vec<u8>) -> Result<SecretString, VaultError> {
        opened(&format!("{of:?}"), &sealed).map_err(VaultError::OpenAnswer)
    }

    fn seal_group(
        &self,
        account: &AccountId,
        group: GroupId,
        part: u32,
        secret: &SecretString,
    ) -> Result<SealedSecret, VaultError> {
        Ok(SealedSecret::from_bytes(sealed(&format!("{account} {group} {part}"), secret.expose_secret())))
    }

    fn open_group(
        &self,
        account: &AccountId,
        group: GroupId,
        part: u32,
        sealed: &SealedSecret,
    ) -> Result<SecretString, VaultError> {
        opened(&format!("{account} {group} {part}"), sealed.as_bytes())
            .map_err(|source| VaultError::OpenGroup { group, source })
    }
}
