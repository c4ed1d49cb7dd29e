//! The process is killed at every named step of a build and of a collection; afterwards nothing partial is visible,
//! what was finished is still there, and everything can be brought to its end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};

use blobstore::conformance::faults::{recovers, script};
use blobstore::conformance::{check_invariants, listed};
use blobstore::{BlobStore as _, DirectoryStore, fault};
use tempfile::TempDir;

const DIRECTORY: &str = "IMC_TEST_STORE";
const SIGKILL: i32 = 9;

/// What the killed process does: this test in a process of its own, with a directory to work on.
#[tokio::test]
async fn child() {
    let Ok(dir) = std::env::var(DIRECTORY) else { return };
    let store = DirectoryStore::open(dir).unwrap();
    script(&store).await.unwrap();
}

fn run_child(dir: &Path, crash_at: &str) -> ExitStatus {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child"]).env(DIRECTORY, dir).env("IMC_CRASH_AT", crash_at);
    command.output().unwrap().status
}

async fn survives(dir: &Path) {
    let store = DirectoryStore::open(dir).unwrap();
    assert_eq!(fs::read_dir(dir.join("tmp")).unwrap().count(), 0, "opening swept the leftovers");
    check_invariants(&store).await;
    recovers(&store).await;
    assert_eq!(fs::read_dir(dir.join("leases")).unwrap().count(), 0, "the dead owner's lease is gone");
    let sidecars = walk(&dir.join("layers")) + walk(&dir.join("merged"));
    assert_eq!(sidecars, 0, "no half of a blob stays");
}

fn walk(dir: &Path) -> usize {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries.map(|entry| entry.unwrap().path()).map(|path| if path.is_dir() { walk(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn killed_at_every_step() {
    for step in fault::STEPS {
        let dir = TempDir::new().unwrap();
        // An earlier victim, so that there is a dead owner's lease for the collection to remove.
        assert_eq!(run_child(dir.path(), "blob-dir-synced").signal(), Some(SIGKILL));
        let status = run_child(dir.path(), step);
        assert_eq!(status.signal(), Some(SIGKILL), "the child was to be killed at {step}: {status}");
        survives(dir.path()).await;
    }
}

#[tokio::test]
async fn finished_blobs_stay_and_unfinished_ones_are_not_seen() {
    for (step, finished) in [
        ("ingest-created:1", 0),
        ("blob-synced:2", 1),
        ("sidecar-renamed:2", 1),
        ("blob-renamed:2", 2),
        ("ingest-created:3", 2),
        ("blob-dir-synced:3", 3),
        ("snapshot-written", 3),
    ] {
        let dir = TempDir::new().unwrap();
        assert_eq!(run_child(dir.path(), step).signal(), Some(SIGKILL), "{step}");
        let store = DirectoryStore::open(dir.path()).unwrap();
        assert_eq!(listed(&store).await.len(), finished, "after {step}");
        assert_eq!(store.list_snapshots(None, 9).await.unwrap(), [], "after {step}");
        survives(dir.path()).await;
    }
}

#[tokio::test]
async fn a_collection_that_was_killed_is_finished_by_the_next() {
    for step in ["collect-marked", "collect-unlinked-blob", "collect-unlinked-sidecar"] {
        let dir = TempDir::new().unwrap();
        assert_eq!(run_child(dir.path(), step).signal(), Some(SIGKILL), "{step}");
        let store = DirectoryStore::open(dir.path()).unwrap();
        let snapshots = store.list_snapshots(None, 9).await.unwrap();
        assert_eq!(snapshots.len(), 1, "the deleted snapshot stays deleted, the other stays");
        check_invariants(&store).await;
        blobstore::conformance::collect(&store).await.unwrap();
        assert_eq!(listed(&store).await.len(), 2, "what the snapshot names");
        assert_eq!(walk(&dir.path().join("merged")), 0, "after {step}");
        check_invariants(&store).await;
    }
}

#[test]
fn a_child_that_is_not_killed_ends_well() {
    let dir = TempDir::new().unwrap();
    assert!(run_child(dir.path(), "no-such-step").success());
}
