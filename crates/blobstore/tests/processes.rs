//! Several processes on one directory: builders of the same blobs, and a collector that deletes all it may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::process::{Child, Command, Stdio};

use blobstore::conformance::{
    check_invariants, collect, commit_in, layer_key, listed, merged_key, read_all, snapshot_over,
};
use blobstore::{BlobStore, DirectoryStore, LeaseTerm};
use tempfile::TempDir;

const DIRECTORY: &str = "IMC_TEST_STORE";
const ROLE: &str = "IMC_TEST_ROLE";
const ROUNDS: usize = 40;

#[tokio::test]
async fn child() {
    let Ok(dir) = std::env::var(DIRECTORY) else { return };
    let store = DirectoryStore::open(dir).unwrap();
    let role = std::env::var(ROLE).unwrap();
    for _ in 0..ROUNDS {
        match role.as_str() {
            "build" => build(&store).await,
            _ => {
                collect(&store).await.unwrap();
                DirectoryStore::open(store.root()).unwrap();
            }
        }
    }
}

/// A build as the engine does it: first the lease, then the look, then the ingest, then the snapshot.
async fn build(store: &DirectoryStore) {
    let keys = [layer_key("a"), layer_key("b"), merged_key("ab")];
    let lease = store.lease("build", &keys, LeaseTerm::Held).await.unwrap();
    for key in &keys {
        if store.stat(key).await.unwrap().is_none() {
            commit_in(store, &*lease, key).await.unwrap();
        }
    }
    let snapshot = snapshot_over(&keys);
    store.put_snapshot(&snapshot).await.unwrap();
    lease.release().await.unwrap();
    for key in &keys {
        read_all(store, key).await;
    }
    assert!(store.delete_snapshot(snapshot.id).await.unwrap());
}

fn start(dir: &TempDir, role: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env(DIRECTORY, dir.path()).env(ROLE, role);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[tokio::test]
async fn builders_and_a_collector_do_each_other_no_harm() {
    let dir = TempDir::new().unwrap();
    DirectoryStore::open(dir.path()).unwrap();
    let children: Vec<Child> =
        ["build", "collect", "build", "collect"].iter().map(|role| start(&dir, role)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
    }
    let store = DirectoryStore::open(dir.path()).unwrap();
    check_invariants(&store).await;
    collect(&store).await.unwrap();
    assert_eq!(listed(&store).await, []);
}
