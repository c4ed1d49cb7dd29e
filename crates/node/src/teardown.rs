//! Taking an instance down: container, overlay, shares of the layers' mounts. Every step is done where it is done
//! already, so that whoever comes after a death in the middle can do it again.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::blob_mounts::BlobMounts;
use crate::layout::InstanceDir;
use crate::mount::unmount_path;
use crate::runtime::RuntimeCall;
use crate::state::Record;
use crate::{InstanceError, RuntimeChoice, cgroups};

/// How long killed processes may take to go; longer, and they hang in the kernel.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Ends the container and gives back everything that it held. Its directory, with what it wrote, stays. Killed processes
/// are waited for no longer than `patience`.
pub(crate) fn take_down(
    mounts: &BlobMounts,
    dir: &InstanceDir,
    record: &Record,
    patience: Duration,
) -> Result<(), InstanceError> {
    let id = record.id;
    delete_container(dir, record, patience).map_err(|message| InstanceError::Runtime {
        action: "delete",
        id,
        runtime: record.runtime.name(),
        message,
    })?;
    crate::groups::let_go(dir)?;
    unmount_path(&dir.merged()).map_err(|source| InstanceError::Attach { id, source })?;
    mounts
        .release(id, record.blobs.lowers.iter().map(|blob| &blob.key))
        .map_err(|source| InstanceError::Attach { id, source })
}

fn delete_container(dir: &InstanceDir, record: &Record, patience: Duration) -> Result<(), String> {
    let state = dir.oci_root().join(record.id.to_string());
    let remove_groups = || {
        cgroups::remove(record.id, patience)
            .map_err(|error| format!("failed to remove its control group {error}"))
    };
    match &record.runtime {
        // libcontainer knows the first process by its number alone, which may be somebody else's by now, and does not
        // remove groups below a group. The process is ended by its identity, and here by its group.
        RuntimeChoice::Embedded => {
            remove_groups()?;
            match fs::remove_dir_all(&state) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(format!("failed to remove `{}`: {error}", state.display()))
                }
                _ => Ok(()),
            }
        }
        RuntimeChoice::Installed(_) => {
            if state.exists() {
                cgroups::thaw(record.id);
                let runtime = record.runtime.program(&record.self_exe);
                RuntimeCall { runtime: &runtime, dir, id: record.id }.delete()?;
            }
            // It may have died between making these and noting its state.
            remove_groups()
        }
    }
}

/// Removes an instance's directory. Nothing may be mounted in it any more.
pub(crate) fn remove_directory(dir: &InstanceDir) -> Result<(), InstanceError> {
    crate::groups::let_go(dir)?;
    // One that could not be lifted is a limit of a project without files: the project's next user replaces it.
    let _ = crate::quota::lift(&dir.upper());
    let path: &Path = dir.path();
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(InstanceError::CleanUp { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}
