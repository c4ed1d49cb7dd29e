//! What only a group's containers may read, sealed for the records: variables, files, and the credentials of registries.

use std::collections::BTreeMap;

use model::{AccountId, ContainerName, Group, GroupId, GroupSecrets, RegistryHost, SealedSecret};
use registry::Credentials;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::{Engine, Error, VaultError};

/// The most that is sealed in one part, in bytes: below what the sealed form takes.
const LONGEST_PART: usize = 48 * 1024;

/// Credentials of the registries of a group's images, beyond the server's own.
type Logins = BTreeMap<RegistryHost, Credentials>;

/// As it is sealed.
#[derive(Default, Serialize, Deserialize)]
struct Written {
    environment: BTreeMap<ContainerName, Vec<(String, String)>>,
    files: BTreeMap<usize, Vec<Vec<u8>>>,
    logins: BTreeMap<RegistryHost, (String, String)>,
}

impl Written {
    fn of(secrets: &GroupSecrets, credentials: &Logins) -> Self {
        let pair = |credentials: &Credentials| match credentials {
            Credentials::Basic { username, password } => {
                Some((username.clone(), password.expose_secret().to_owned()))
            }
            _ => None,
        };
        let logins = credentials.iter();
        Self {
            environment: secrets.environment.clone(),
            files: secrets.files.clone(),
            logins: logins.filter_map(|(host, login)| Some((host.clone(), pair(login)?))).collect(),
        }
    }
}

/// Pieces of a text, each of some length at most.
fn parts(mut text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    while !text.is_empty() {
        let end = (0..=text.len().min(LONGEST_PART)).rev().find(|end| text.is_char_boundary(*end));
        let (part, rest) = text.split_at(end.unwrap_or(text.len()));
        parts.push(part);
        text = rest;
    }
    parts
}

impl Engine {
    /// Seals what only the containers of that group may read, and the credentials for its images' registries.
    pub(super) fn seal_group(
        &self,
        account: &AccountId,
        group: GroupId,
        secrets: &GroupSecrets,
        credentials: &Logins,
    ) -> Result<Vec<SealedSecret>, Error> {
        if secrets.is_empty() && credentials.is_empty() {
            return Ok(Vec::new());
        }
        let vault = self.vault().ok_or(VaultError::NoKeyForGroup { group })?;
        let text = serde_json::to_string(&Written::of(secrets, credentials))
            .expect("texts, numbers and lists alone");
        let sealed = (0_u32..)
            .zip(parts(&text))
            .map(|(part, text)| vault.seal_group(account, group, part, &SecretString::from(text.to_owned())));
        Ok(sealed.collect::<Result<_, _>>()?)
    }

    /// Opens what only its containers may read.
    pub(super) async fn open_group(&self, group: &Group) -> Result<GroupSecrets, Error> {
        let Written { environment, files, logins: _ } = self.open_written(group).await?;
        Ok(GroupSecrets { environment, files })
    }

    /// Opens the credentials for its images' registries.
    pub(super) async fn open_group_credentials(&self, group: &Group) -> Result<Logins, Error> {
        let logins = self.open_written(group).await?.logins.into_iter();
        Ok(logins.map(|(host, (user, password))| (host, Credentials::basic(user, password))).collect())
    }

    async fn open_written(&self, group: &Group) -> Result<Written, Error> {
        let sealed = self.records().group_secrets(group.id).await?;
        if sealed.is_empty() {
            return Ok(Written::default());
        }
        let vault = self.vault().ok_or(VaultError::NoKeyForGroup { group: group.id })?;
        let mut text = String::new();
        for (part, sealed) in (0_u32..).zip(&sealed) {
            let opened = vault.open_group(&group.account, group.id, part, sealed)?;
            text.push_str(opened.expose_secret());
        }
        serde_json::from_str(&text).map_err(|_| {
            let source = "what was sealed is not whole".into();
            VaultError::OpenGroup { group: group.id, source }.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters_and_lose_nothing() {
        let text = "aü€".repeat(40_000);
        let cut = parts(&text);
        assert!(cut.len() > 3 && cut.iter().all(|part| part.len() <= LONGEST_PART));
        assert_eq!(cut.concat(), text);
        assert!(parts("").is_empty());
    }
}
