//! What only a group's containers may read, sealed for the records: variables, files, and the credentials of registries.

use std::collections::BTreeMap;
use std::fmt;

use model::{AccountId, ContainerName, Group, GroupId, RegistryHost, SealedSecret};
use registry::Credentials;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::{Engine, Error, VaultError};

/// Names and values, in order.
pub type Variables = Vec<(String, String)>;

/// The most that is sealed in one part, in bytes: below what the sealed form takes.
const LONGEST_PART: usize = 48 * 1024;

/// What only a group's containers may read.
#[derive(Clone, Default)]
pub struct GroupSecrets {
    /// The variables of each container.
    pub environment: BTreeMap<ContainerName, Variables>,
    /// The contents of the files of each volume, by the volume's place, in the order of the wish.
    pub files: BTreeMap<usize, Vec<Vec<u8>>>,
    /// Credentials for the images' registries, beyond the server's own.
    pub credentials: BTreeMap<RegistryHost, Credentials>,
}

impl fmt::Debug for GroupSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupSecrets").finish_non_exhaustive()
    }
}

impl GroupSecrets {
    fn is_empty(&self) -> bool {
        self.environment.values().all(Vec::is_empty) && self.files.is_empty() && self.credentials.is_empty()
    }
}

/// As it is sealed.
#[derive(Serialize, Deserialize)]
struct Written {
    environment: BTreeMap<ContainerName, Variables>,
    files: BTreeMap<usize, Vec<Vec<u8>>>,
    logins: BTreeMap<RegistryHost, (String, String)>,
}

impl From<&GroupSecrets> for Written {
    fn from(secrets: &GroupSecrets) -> Self {
        let pair = |credentials: &Credentials| match credentials {
            Credentials::Basic { username, password } => {
                Some((username.clone(), password.expose_secret().to_owned()))
            }
            _ => None,
        };
        let logins = secrets.credentials.iter();
        Self {
            environment: secrets.environment.clone(),
            files: secrets.files.clone(),
            logins: logins.filter_map(|(host, login)| Some((host.clone(), pair(login)?))).collect(),
        }
    }
}

impl From<Written> for GroupSecrets {
    fn from(written: Written) -> Self {
        let basic = |(host, (user, password))| (host, Credentials::basic(user, password));
        Self {
            environment: written.environment,
            files: written.files,
            credentials: written.logins.into_iter().map(basic).collect(),
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
    /// Seals what only the containers of that group may read.
    pub(super) fn seal_group(
        &self,
        account: &AccountId,
        group: GroupId,
        secrets: &GroupSecrets,
    ) -> Result<Vec<SealedSecret>, Error> {
        if secrets.is_empty() {
            return Ok(Vec::new());
        }
        let vault = self.vault().ok_or(VaultError::NoKeyForGroup { group })?;
        let text = serde_json::to_string(&Written::from(secrets)).expect("texts, numbers and lists alone");
        let sealed = (0_u32..)
            .zip(parts(&text))
            .map(|(part, text)| vault.seal_group(account, group, part, &SecretString::from(text.to_owned())));
        Ok(sealed.collect::<Result<_, _>>()?)
    }

    /// Opens it again.
    pub(super) async fn open_group(&self, group: &Group) -> Result<GroupSecrets, Error> {
        let sealed = self.records().group_secrets(group.id).await?;
        if sealed.is_empty() {
            return Ok(GroupSecrets::default());
        }
        let vault = self.vault().ok_or(VaultError::NoKeyForGroup { group: group.id })?;
        let mut text = String::new();
        for (part, sealed) in (0_u32..).zip(&sealed) {
            let opened = vault.open_group(&group.account, group.id, part, sealed)?;
            text.push_str(opened.expose_secret());
        }
        let written: Written = serde_json::from_str(&text).map_err(|_| VaultError::OpenGroup {
            group: group.id,
            source: "what was sealed is not whole".into(),
        })?;
        Ok(written.into())
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

    #[test]
    fn nothing_of_it_is_shown_in_a_log() {
        let mut secrets = GroupSecrets::default();
        secrets.environment.insert("main".parse().unwrap(), vec![("KEY".into(), "hidden-1".into())]);
        secrets.files.insert(0, vec![b"hidden-2".to_vec()]);
        secrets
            .credentials
            .insert("r.example".parse().unwrap(), Credentials::basic("user", "hidden-3".to_owned()));
        assert!(!format!("{secrets:?}").contains("hidden"));
        let written = serde_json::to_string(&Written::from(&secrets)).unwrap();
        let back: GroupSecrets = serde_json::from_str::<Written>(&written).unwrap().into();
        assert_eq!((back.environment, back.files), (secrets.environment, secrets.files));
        assert_eq!(back.credentials.len(), 1);
    }
}
