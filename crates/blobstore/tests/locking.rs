//! While a collection decides, nobody can name more: not by a lease, a longer lease, a commit or a snapshot.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use blobstore::conformance::{at, bytes_of, commit_loose, layer_key, listed, sidecar_of, snapshot_over};
use blobstore::{
    BlobStore, BlobWriter, DirectoryOptions, DirectoryStore, ErrorKind, InUse, Lease, LeaseTerm, Result,
};
use model::BlobKey;
use tempfile::TempDir;

fn impatient(dir: &Path) -> DirectoryStore {
    let options = DirectoryOptions { lock_wait: Duration::ZERO, ..DirectoryOptions::default() };
    DirectoryStore::open_with(dir, options).unwrap()
}

/// What another process tries while the collection has asked what is mounted and not yet deleted anything.
struct Meddler {
    store: DirectoryStore,
    lease: Box<dyn Lease>,
    writer: Mutex<Option<Box<dyn BlobWriter>>>,
    outcomes: Mutex<Vec<Option<ErrorKind>>>,
}

impl Meddler {
    async fn meddle(&self) {
        let (store, key) = (&self.store, layer_key("loose"));
        let writer = self.writer.lock().unwrap().take();
        let Some(writer) = writer else { return };
        let kind = |outcome: Result<()>| outcome.err().map(|error| error.kind());
        let outcomes = [
            kind(store.lease("meddler", &[key], LeaseTerm::Held).await.map(drop)),
            kind(self.lease.extend(&[key]).await),
            kind(writer.commit(sidecar_of(&layer_key("late"))).await.map(drop)),
            kind(store.put_snapshot(&snapshot_over(&[key])).await),
            kind(store.delete(&key).await.map(drop)),
            // Looking is free.
            kind(store.stat(&key).await.map(drop)),
        ];
        self.outcomes.lock().unwrap().extend(outcomes);
    }
}

impl InUse for Meddler {
    fn keys(&self) -> std::io::Result<BTreeSet<BlobKey>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime.block_on(self.meddle());
        Ok(BTreeSet::new())
    }
}

#[tokio::test]
async fn nobody_names_more_while_a_collection_decides() {
    let dir = TempDir::new().unwrap();
    let store = DirectoryStore::open(dir.path()).unwrap();
    let other = impatient(dir.path());
    commit_loose(&store, &[layer_key("loose")]).await;
    let lease = other.lease("meddler", &[], LeaseTerm::Held).await.unwrap();
    let late = layer_key("late");
    let writer = other.begin(&*lease, &late).await.unwrap();
    writer.file().write_all_at(&bytes_of(&late), 0).unwrap();
    let (writer, outcomes) = (Mutex::new(Some(writer)), Mutex::new(Vec::new()));
    let meddler = Arc::new(Meddler { store: other, lease, writer, outcomes });
    let report = store.collect(meddler.clone(), at(0)).await.unwrap();
    assert_eq!(report.deleted, [layer_key("loose")]);
    let outcomes = meddler.outcomes.lock().unwrap().clone();
    let busy = Some(ErrorKind::Busy);
    assert_eq!(outcomes, [busy, busy, busy, busy, busy, None]);
    assert_eq!(listed(&store).await, []);
    // Afterwards all of it goes.
    meddler.lease.extend(&[layer_key("loose")]).await.unwrap();
    store.put_snapshot(&snapshot_over(&[])).await.unwrap();
}

#[tokio::test]
async fn a_collection_waits_for_who_is_committing() {
    let dir = TempDir::new().unwrap();
    let store = impatient(dir.path());
    commit_loose(&store, &[layer_key("loose")]).await;
    let committing = std::fs::File::open(dir.path().join("lock")).unwrap();
    committing.lock_shared().unwrap();
    let nothing: Arc<dyn InUse> = Arc::new(BTreeSet::new());
    let error = store.collect(nothing.clone(), at(0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert_eq!(listed(&store).await, [layer_key("loose")]);
    drop(committing);
    assert_eq!(store.collect(nothing, at(0)).await.unwrap().deleted, [layer_key("loose")]);
}
