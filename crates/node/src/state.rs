//! The files of an instance's directory, written whole and renamed into place.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use model::{ByteSize, ExitStatus, InstanceId, InstanceName, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::identity::ProcessIdentity;
use crate::{ImageBlobs, InstanceError, RunOptions, RuntimeChoice, Signal};

/// What an instance was started from: all that its monitor, and whoever cleans up after it, needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: InstanceId,
    pub(crate) name: InstanceName,
    pub(crate) blobs: ImageBlobs,
    pub(crate) options: RunOptions,
    pub(crate) runtime: RuntimeChoice,
    pub(crate) self_exe: PathBuf,
    pub(crate) stop_signal: Signal,
    pub(crate) size_limit: Option<ByteSize>,
    pub(crate) remove_on_exit: bool,
    /// The first process's own, over which a further command's are laid.
    pub(crate) environment: Vec<String>,
    pub(crate) working_dir: String,
    pub(crate) user: String,
    pub(crate) device_rules: bool,
}

/// The first process of an instance that runs or ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) process: ProcessIdentity,
    pub(crate) started: Timestamp,
}

/// How an instance ended; the content of its lock file from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) finished: Timestamp,
}

/// Writes a file so that it is seen whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), InstanceError> {
    let failed = |source| InstanceError::WriteState { path: path.to_owned(), source };
    let partial = path.with_extension("partial");
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o644);
    options.open(&partial).and_then(|mut file| file.write_all(bytes)).map_err(failed)?;
    fs::rename(&partial, path).map_err(failed)
}

/// Writes a document.
pub(crate) fn write_json(path: &Path, document: &impl Serialize) -> Result<(), InstanceError> {
    let bytes = serde_json::to_vec(document).expect("our own documents have string keys and serialise");
    write(path, &bytes)
}

/// Reads a document; `None` where there is none, or where a power cut left half of one.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, InstanceError> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(InstanceError::ReadState { path: path.to_owned(), source }),
    }
}

/// How the instance of that lock file ended; `None` where nobody has written it.
///
/// It is in the lock file so that who waits for the lock can still read it when the directory has been removed.
pub(crate) fn read_end(lock: &mut File) -> io::Result<Option<Ended>> {
    let mut text = Vec::new();
    lock.rewind()?;
    lock.take(4096).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text).ok())
}

/// Writes how it ended, unless that is written already: the first one has seen it.
pub(crate) fn write_end(lock: &mut File, ended: Ended) -> io::Result<()> {
    if read_end(lock)?.is_some() {
        return Ok(());
    }
    // Not where it is empty: the room that was made for this would go.
    if lock.metadata()?.len() > 0 {
        lock.set_len(0)?;
    }
    lock.rewind()?;
    let bytes = serde_json::to_vec(&ended).expect("our own documents serialise");
    lock.write_all(&bytes)
}
