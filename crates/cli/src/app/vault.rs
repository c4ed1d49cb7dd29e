//! The keys that credentials of caches are sealed with, read when they are first needed: most commands need none.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use engine::{Vault, VaultError};
use metastore::{CredentialOwner, SealedCredential};
use model::RegistryHost;
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
    match (&configured.key_file, &configured.key) {
        (_, Some(_)) => None,
        (Some(path), None) => Some(path.clone()),
        (None, None) => Some(data_dir.join(FILE)),
    }
}

impl Keys {
    pub(crate) fn of(configured: &settings::Secrets, data_dir: &Path) -> Self {
        let source = match (&configured.key_file, &configured.key) {
            (_, Some(text)) => Source::Text(text.clone()),
            (Some(path), None) => Source::File { path: path.clone(), is_ours: false },
            (None, None) => Source::File { path: data_dir.join(FILE), is_ours: true },
        };
        Self { source, ring: Mutex::new(None) }
    }

    /// The keys, read the first time, and again where another process has written the file: a rotation reaches a server that
    /// runs. Blocks for as long as a small file takes.
    pub(crate) fn ring(&self) -> Result<KeyRing, KeysError> {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((state, ring)) = &*ring
            && *state == self.state()
        {
            return Ok(ring.clone());
        }
        let read = match &self.source {
            Source::Text(text) => KeyRing::parse(text).map_err(KeysError::Text)?,
            Source::File { path, is_ours: true } => KeyRing::read_or_create(path).map_err(KeysError::File)?,
            Source::File { path, is_ours: false } => KeyRing::read(path).map_err(KeysError::File)?,
        };
        *ring = Some((self.state(), read.clone()));
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
}

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
}

fn credentials_text(credentials: &Credentials) -> Option<SecretString> {
    let Credentials::Basic { username, password } = credentials else { return None };
    let login = Login { username: username.clone(), password: password.expose_secret().to_owned() };
    serde_json::to_string(&login).ok().map(SecretString::from)
}
