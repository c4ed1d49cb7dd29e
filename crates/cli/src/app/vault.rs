//! The keys that credentials of caches and secrets of access keys are sealed with, read when they are first needed: most commands need none.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use engine::{Vault, VaultError};
use metastore::{AnswerKey, CredentialOwner, SealedCredential};
use model::{AccessKeyId, AccountId, GroupId, RegistryHost, SealedSecret};
use registry::Credentials;
use secrecy::{ExposeSecret as _, SecretString};
use secrets::{KeyRing, Owner, Sealed};
use serde::{Deserialize, Serialize};

/// The keys' file where none is configured, in the data directory.
const FILE: &str = "secret.key";

/// Where the keys are.
#[derive(Clone, Debug)]
enum Source {
    /// In a file. One that is not configured is made where it is missing.
    File { path: PathBuf, is_ours: bool },
    /// In the environment.
    Text(SecretString),
}

/// The keys of a data directory.
#[derive(Debug)]
pub(crate) struct Keys {
    source: Source,
    ring: Mutex<Option<(FileState, KeyRing)>>,
}

/// Tells a file from the one that took its place: its inode, and when it was written. Nothing where there is no file.
type FileState = Option<(u64, i64, i64)>;

/// The keys' file that is configured, or that of the data directory; `None` where they are in the environment.
pub(crate) fn key_file(configured: &settings::Secrets, data_dir: &Path) -> Option<PathBuf> {
    match Source::of(configured, data_dir) {
        Source::File { path, .. } => Some(path),
        Source::Text(_) => None,
    }
}

impl Source {
    fn of(configured: &settings::Secrets, data_dir: &Path) -> Self {
        match (&configured.key_file, &configured.key) {
            (_, Some(text)) => Self::Text(text.clone()),
            (Some(path), None) => Self::File { path: path.clone(), is_ours: false },
            (None, None) => Self::File { path: data_dir.join(FILE), is_ours: true },
        }
    }

    fn read(&self) -> Result<KeyRing, KeysError> {
        match self {
            Self::Text(text) => KeyRing::parse(text).map_err(KeysError::Text),
            Self::File { path, is_ours: true } => KeyRing::read_or_create(path).map_err(KeysError::File),
            Self::File { path, is_ours: false } => KeyRing::read(path).map_err(KeysError::File),
        }
    }
}

impl Keys {
    pub(crate) fn of(configured: &settings::Secrets, data_dir: &Path) -> Self {
        Self { source: Source::of(configured, data_dir), ring: Mutex::new(None) }
    }

    /// The keys, read the first time, and again where another process has written the file: a rotation reaches a server that
    /// runs. Blocks for as long as a small file takes.
    pub(crate) fn ring(&self) -> Result<KeyRing, KeysError> {
        self.ring_by(Source::read)
    }

    fn ring_by(
        &self,
        read: impl FnOnce(&Source) -> Result<KeyRing, KeysError>,
    ) -> Result<KeyRing, KeysError> {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at before the keys are read: those of a file that is written meanwhile are read again the next time.
        let state = self.state();
        if let Some((of, ring)) = &*ring
            && *of == state
        {
            return Ok(ring.clone());
        }
        let read = read(&self.source)?;
        *ring = Some((state, read.clone()));
        Ok(read)
    }

    fn state(&self) -> FileState {
        let Source::File { path, .. } = &self.source else { return None };
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.ino(), metadata.mtime(), metadata.mtime_nsec()))
    }

    /// Seals what was sealed for an owner with the key that seals now; `None` where it is already.
    pub(crate) fn resealed(
        &self,
        of: CredentialOwner,
        sealed: &SealedCredential,
    ) -> Result<Option<SealedCredential>, VaultError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| VaultError::Open {
            registry: sealed.registry.clone(),
            source,
        };
        let ring = self.ring().map_err(|error| failed(error.into()))?;
        let bytes = Sealed::from_bytes(sealed.sealed.clone()).map_err(|error| failed(error.into()))?;
        let anew = ring.reseal(&owner(of, &sealed.registry), &bytes).map_err(|error| failed(error.into()))?;
        Ok(anew.map(|anew| SealedCredential {
            registry: sealed.registry.clone(),
            sealed: anew.as_bytes().to_vec(),
        }))
    }

    /// Seals the secret of an access key with the key that seals now; `None` where it is already.
    pub(crate) fn resealed_secret(
        &self,
        account: &AccountId,
        key: &AccessKeyId,
        sealed: &SealedSecret,
    ) -> Result<Option<SealedSecret>, VaultError> {
        let failed = |source: Cause| VaultError::OpenSecret { key: key.clone(), source };
        let ring = self.ring().map_err(|error| failed(error.into()))?;
        let bytes = Sealed::from_bytes(sealed.as_bytes().to_vec()).map_err(|error| failed(error.into()))?;
        let anew = ring.reseal(&Owner::new(account, key), &bytes).map_err(|error| failed(error.into()))?;
        Ok(anew.map(|anew| SealedSecret::from_bytes(anew.as_bytes().to_vec())))
    }
}

impl Keys {
    /// Seals with the key that seals now what of a group is sealed; `None` where it is already.
    pub(crate) fn resealed_group(
        &self,
        account: &AccountId,
        group: GroupId,
        sealed: &[SealedSecret],
    ) -> Result<Option<Vec<SealedSecret>>, VaultError> {
        let failed = |source: Cause| VaultError::OpenGroup { group, source };
        let ring = self.ring().map_err(|error| failed(error.into()))?;
        let (mut all, mut is_news) = (Vec::with_capacity(sealed.len()), false);
        for (part, sealed) in (0_u32..).zip(sealed) {
            let bytes =
                Sealed::from_bytes(sealed.as_bytes().to_vec()).map_err(|error| failed(error.into()))?;
            let anew = ring.reseal(&group_part(account, group, part), &bytes);
            let anew = anew.map_err(|error| failed(error.into()))?;
            is_news |= anew.is_some();
            all.push(
                anew.map_or_else(
                    || sealed.clone(),
                    |anew| SealedSecret::from_bytes(anew.as_bytes().to_vec()),
                ),
            );
        }
        Ok(is_news.then_some(all))
    }
}

/// Why a secret is not sealed or opened.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    /// The file.
    #[error(transparent)]
    File(secrets::KeyFileError),
    /// The text in the environment.
    #[error("failed to read the keys in IMC_SECRET_KEY")]
    Text(#[source] secrets::KeyTextError),
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Login {
    username: String,
    password: String,
}

fn owner(of: CredentialOwner, registry: &RegistryHost) -> Owner {
    match of {
        CredentialOwner::Cache(cache) => Owner::new(&cache, registry),
    }
}

fn group_part(account: &AccountId, group: GroupId, part: u32) -> Owner {
    Owner::new(account, &format_args!("{group}/{part}"))
}

impl Vault for Keys {
    fn seal(
        &self,
        of: CredentialOwner,
        registry: &RegistryHost,
        credentials: &Credentials,
    ) -> Result<SealedCredential, VaultError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| VaultError::Seal {
            registry: registry.clone(),
            source,
        };
        let ring = self.ring().map_err(|error| failed(error.into()))?;
        let text = credentials_text(credentials)
            .ok_or_else(|| failed("they are of a kind that is not kept".into()))?;
        let sealed = ring.seal_text(&owner(of, registry), &text).map_err(|error| failed(error.into()))?;
        Ok(SealedCredential { registry: registry.clone(), sealed: sealed.as_bytes().to_vec() })
    }

    fn open(&self, of: CredentialOwner, sealed: &SealedCredential) -> Result<Credentials, VaultError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| VaultError::Open {
            registry: sealed.registry.clone(),
            source,
        };
        let ring = self.ring().map_err(|error| failed(error.into()))?;
        let bytes = Sealed::from_bytes(sealed.sealed.clone()).map_err(|error| failed(error.into()))?;
        let text =
            ring.open_text(&owner(of, &sealed.registry), &bytes).map_err(|error| failed(error.into()))?;
        let login: Login =
            serde_json::from_str(text.expose_secret()).map_err(|error| failed(error.into()))?;
        Ok(Credentials::basic(login.username, login.password))
    }

    fn seal_secret(
        &self,
        account: &AccountId,
        key: &AccessKeyId,
        secret: &SecretString,
    ) -> Result<SealedSecret, VaultError> {
        let failed = |source: Cause| VaultError::SealSecret { key: key.clone(), source };
        let ring = self.ring().map_err(|error| failed(error.into()))?;
        let sealed =
            ring.seal_text(&Owner::new(account, key), secret).map_err(|error| failed(error.into()))?;
        Ok(SealedSecret::from_bytes(sealed.as_bytes().to_vec()))
    }

    fn open_secret(
        &self,
        account: &AccountId,
        key: &AccessKeyId,
        sealed: &SealedSecret,
    ) -> Result<SecretString, VaultError> {
        let failed = |source: Cause| VaultError::OpenSecret { key: key.clone(), source };
        let ring = self.ring().map_err(|error| failed(error.into()))?;
        let bytes = Sealed::from_bytes(sealed.as_bytes().to_vec()).map_err(|error| failed(error.into()))?;
        ring.open_text(&Owner::new(account, key), &bytes).map_err(|error| failed(error.into()))
    }

    fn seal_answer(&self, of: &AnswerKey, answer: &SecretString) -> Result<Vec<u8>, VaultError> {
        let ring = self.ring().map_err(|error| VaultError::SealAnswer(error.into()))?;
        let sealed = ring.seal_text(&answer_owner(of), answer);
        Ok(sealed.map_err(|error| VaultError::SealAnswer(error.into()))?.as_bytes().to_vec())
    }

    fn open_answer(&self, of: &AnswerKey, sealed: Vec<u8>) -> Result<SecretString, VaultError> {
        let ring = self.ring().map_err(|error| VaultError::OpenAnswer(error.into()))?;
        let bytes = Sealed::from_bytes(sealed).map_err(|error| VaultError::OpenAnswer(error.into()))?;
        ring.open_text(&answer_owner(of), &bytes).map_err(|error| VaultError::OpenAnswer(error.into()))
    }

    fn seal_group(
        &self,
        account: &AccountId,
        group: GroupId,
        part: u32,
        secret: &SecretString,
    ) -> Result<SealedSecret, VaultError> {
        let failed = |source: Cause| VaultError::SealGroup { group, source };
        let ring = self.ring().map_err(|error| failed(error.into()))?;
        let sealed = ring.seal_text(&group_part(account, group, part), secret);
        let sealed = sealed.map_err(|error| failed(error.into()))?;
        Ok(SealedSecret::from_bytes(sealed.as_bytes().to_vec()))
    }

    fn open_group(
        &self,
        account: &AccountId,
        group: GroupId,
        part: u32,
        sealed: &SealedSecret,
    ) -> Result<SecretString, VaultError> {
        let failed = |source: Cause| VaultError::OpenGroup { group, source };
        let ring = self.ring().map_err(|error| failed(error.into()))?;
        let bytes = Sealed::from_bytes(sealed.as_bytes().to_vec()).map_err(|error| failed(error.into()))?;
        ring.open_text(&group_part(account, group, part), &bytes).map_err(|error| failed(error.into()))
    }
}

fn answer_owner(of: &AnswerKey) -> Owner {
    Owner::new(&of.account, &format!("{} by {}", of.operation, of.token.as_str()))
}

fn credentials_text(credentials: &Credentials) -> Option<SecretString> {
    let Credentials::Basic { username, password } = credentials else { return None };
    let login = Login { username: username.clone(), password: password.expose_secret().to_owned() };
    serde_json::to_string(&login).ok().map(SecretString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_written_while_they_are_read_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let keys = || Keys::of(&settings::Secrets::default(), folder.path());
        let first = keys().ring().unwrap();
        let rotated = first.rotated().unwrap();
        let keys = keys();
        let read = keys.ring_by(|source| {
            let read = source.read()?;
            rotated.write(&folder.path().join(FILE)).map_err(KeysError::File)?;
            Ok(read)
        });
        assert_eq!(read.unwrap().active(), first.active());
        assert_eq!(keys.ring().unwrap().active(), rotated.active());
    }

    #[test]
    fn what_a_groups_containers_may_read_is_sealed_anew_by_a_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::of(&settings::Secrets::default(), folder.path());
        let (account, group) = (AccountId::local(), GroupId::generate());
        let seal = |part, text: &str| {
            keys.seal_group(&account, group, part, &SecretString::from(text.to_owned())).unwrap()
        };
        let sealed = vec![seal(0, "first"), seal(1, "second")];
        assert!(keys.resealed_group(&account, group, &sealed).unwrap().is_none());
        keys.ring().unwrap().rotated().unwrap().write(&folder.path().join(FILE)).unwrap();
        let anew = keys.resealed_group(&account, group, &sealed).unwrap().unwrap();
        assert!(keys.resealed_group(&account, group, &anew).unwrap().is_none());
        let opened = keys.open_group(&account, group, 1, &anew[1]).unwrap();
        assert_eq!(opened.expose_secret(), "second");
        // Neither as another part nor for another group.
        assert!(keys.open_group(&account, group, 0, &anew[1]).is_err());
        assert!(keys.open_group(&account, GroupId::generate(), 1, &anew[1]).is_err());
    }
}
