//! Opening: the folders, and the file that says in which form they are.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Inner;
use super::files::{self, TempFile};
use crate::Result;

/// The document `store.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Format {
    version: u32,
}

/// The form that this code writes and reads.
const VERSION: u32 = 1;

/// Makes what is missing, refuses what a newer imc made, sweeps what dead processes left.
pub(super) fn open(inner: &Inner) -> Result<()> {
    let path = inner.layout.format();
    // Looked at before anything is made, so that a refused store stays as it was.
    if !is_known(&path)? {
        let _lock = inner.lock_exclusive()?;
        if !is_known(&path)? {
            let tmp = inner.layout.tmp();
            files::ensure_directory(&tmp)?;
            let document = files::to_json(&Format { version: VERSION });
            TempFile::with_bytes(&tmp, "store", &document)?.rename(&path)?;
            files::sync_directory(inner.layout.root())?;
        }
    }
    for folder in [inner.layout.tmp(), inner.layout.leases(), inner.layout.snapshots()] {
        files::ensure_directory(&folder)?;
    }
    files::sweep(&inner.layout.tmp())?;
    Ok(())
}

fn is_known(path: &Path) -> Result<bool> {
    let Some(bytes) = files::read("store format", path)? else { return Ok(false) };
    files::parse::<Format>("store format", path, VERSION, &bytes).map(|_| true)
}
