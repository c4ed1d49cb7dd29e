//! The conformance suite over the directory store through the failing wrapper with nothing planned: it changes
//! nothing of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use blobstore::{DirectoryStore, FaultStore};
use tempfile::TempDir;

async fn make() -> (FaultStore<DirectoryStore>, TempDir) {
    let dir = TempDir::new().unwrap();
    (FaultStore::new(DirectoryStore::open(dir.path()).unwrap(), None), dir)
}

blobstore::blobstore_conformance!(crate::make);
