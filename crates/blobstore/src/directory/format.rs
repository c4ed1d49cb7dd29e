//! Opening: the folders, and the file that says in which form they are and which store this is.

use std::path::Path;
use std::time::Duration;

use model::StoreId;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use super::files::{self, TempFile};
use super::layout::Layout;
use crate::Result;

/// The document `store.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Format {
    version: u32,
    /// A store that was made before stores had ids gets one when it is opened.
    #[serde(default)]
    id: Option<StoreId>,
}

/// The form that this code writes and reads.
const VERSION: u32 = 1;

/// Makes what is missing, refuses what a newer imc made, sweeps what dead processes left; which store it is.
pub(super) fn open(layout: &Layout, lock_wait: Duration) -> Result<StoreId> {
    let id = identify(layout, lock_wait)?;
    for folder in [layout.tmp(), layout.leases(), layout.snapshots()] {
        files::ensure_directory(&folder)?;
    }
    files::sweep(&layout.tmp())?;
    Ok(id)
}

fn identify(layout: &Layout, lock_wait: Duration) -> Result<StoreId> {
    let path = layout.format();
    // Looked at before anything is made, so that a refused store stays as it was.
    if let Some(id) = known(&path)? {
        return Ok(id);
    }
    let _lock = files::lock_within(&layout.lock(), FlockOperation::NonBlockingLockExclusive, lock_wait)?;
    if let Some(id) = known(&path)? {
        return Ok(id);
    }
    let id = StoreId::generate();
    let tmp = layout.tmp();
    files::ensure_directory(&tmp)?;
    let document = files::to_json(&Format { version: VERSION, id: Some(id) });
    TempFile::with_bytes(&tmp, "store", &document)?.rename(&path)?;
    files::sync_directory(layout.root())?;
    Ok(id)
}

fn known(path: &Path) -> Result<Option<StoreId>> {
    let Some(bytes) = files::read("store format", path)? else { return Ok(None) };
    Ok(files::parse::<Format>("store format", path, VERSION, &bytes)?.id)
}
