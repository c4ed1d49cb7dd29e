//! The key file: read only where nobody else can, written only whole.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::NamedTempFile;

use super::text::KeyTextError;
use super::{KeyRing, SealError};

/// No key file is longer, comments and all.
const LONGEST_FILE: u64 = 64 * 1024;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be opened or read.
    #[error("failed to read the key file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no plain file, or too large for one of keys.
    #[error("failed to read the key file {}: expected a plain file of at most {LONGEST_FILE} bytes", path.display())]
    NoKeyFile {
        /// The file.
        path: PathBuf,
    },
    /// Others may read or write it.
    #[error(
        "failed to trust the key file {}: its mode is {mode:03o}, which lets others at it; expected 600 or 400",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Its text holds no keys.
    #[error("failed to take the keys of {}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyTextError,
    },
    /// It cannot be written.
    #[error("failed to write the key file {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No key could be made for it.
    #[error("failed to make a key for {}", path.display())]
    Generate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SealError,
    },
}

impl KeyRing {
    /// Reads a key file.
    ///
    /// # Errors
    /// Where it is not there, others may read it, or it holds no keys.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let failed = |source| KeyFileError::Read { path: path.to_owned(), source };
        let no_key_file = || KeyFileError::NoKeyFile { path: path.to_owned() };
        // Opening a pipe would wait for its writer.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Err(no_key_file());
        }
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() || metadata.len() > LONGEST_FILE {
            return Err(no_key_file());
        }
        let mode = metadata.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
        }
        // As long as it may get: growing would leave copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 32));
        file.take(metadata.len()).read_to_end(&mut bytes).map_err(failed)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| no_key_file())?;
        Self::parse(&SecretString::from(text))
            .map_err(|source| KeyFileError::Text { path: path.to_owned(), source })
    }

    /// Reads a key file, or makes it with a fresh key where there is none. Of several processes that make it at once, one
    /// does and the others read what it made. Nobody sees a part of it, and once seen it outlasts a loss of power.
    ///
    /// # Errors
    /// As [`Self::read`], or where it cannot be written.
    pub fn read_or_create(path: &Path) -> Result<Self, KeyFileError> {
        let is_missing = fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        if is_missing {
            let fresh = Self::generate()
                .map_err(|source| KeyFileError::Generate { path: path.to_owned(), source })?;
            let made = fresh.temporary(path).and_then(|temporary| match temporary.persist_noclobber(path) {
                Ok(_) => sync_directory_of(path),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                Err(error) => Err(error.error),
            });
            made.map_err(|source| KeyFileError::Write { path: path.to_owned(), source })?;
        }
        Self::read(path)
    }

    /// Writes the ring as a key file of mode 600 in place of what is there, whole or not at all.
    ///
    /// # Errors
    /// Where the directory cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), KeyFileError> {
        let written = self.temporary(path).and_then(|temporary| {
            temporary.persist(path).map_err(|error| error.error)?;
            sync_directory_of(path)
        });
        written.map_err(|source| KeyFileError::Write { path: path.to_owned(), source })
    }

    /// The ring's text in a file beside that path, on disk, readable by its owner alone.
    fn temporary(&self, path: &Path) -> io::Result<NamedTempFile> {
        let mut temporary =
            tempfile::Builder::new().prefix(".secret-key-").tempfile_in(directory_of(path))?;
        temporary.write_all(self.to_text().expose_secret().as_bytes())?;
        temporary.as_file().sync_all()?;
        Ok(temporary)
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync_directory_of(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}
