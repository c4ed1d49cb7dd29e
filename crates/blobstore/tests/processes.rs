//! Several processes on one directory: builders of the same blobs, and a collector that deletes all it may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use blobstore::conformance::{
    check_invariants, collect, commit_in, layer_key, listed, merged_key, read_all, snapshot_over,
};
use blobstore::{BlobStore, DirectoryStore, LeaseTerm};
use tempfile::TempDir;

const DIRECTORY: &str = "IMC_TEST_STORE";
const ROLE: &str = "IMC_TEST_ROLE";
const CLAIMED: &str = "the claim is had";
const ROUNDS: usize = 40;

#[tokio::test]
async fn child() {
    let Ok(dir) = std::env::var(DIRECTORY) else { return };
    let store = DirectoryStore::open(dir).unwrap();
    let role = std::env::var(ROLE).unwrap();
    if role == "claim" {
        let _claim = store.claim(&layer_key("a")).await.unwrap().unwrap();
        println!("{CLAIMED}");
        // Until it is killed.
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
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
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
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

#[tokio::test]
async fn a_claim_excludes_other_processes_until_its_owner_is_killed() {
    let dir = TempDir::new().unwrap();
    let store = DirectoryStore::open(dir.path()).unwrap();
    let mut owner = start(&dir, "claim");
    let said = BufReader::new(owner.stdout.take().unwrap()).lines();
    assert!(said.map(Result::unwrap).any(|line| line.contains(CLAIMED)));
    let key = layer_key("a");
    assert!(store.claim(&key).await.unwrap().is_none());
    // Neither an opening nor a collection takes it for a leftover.
    DirectoryStore::open(dir.path()).unwrap();
    assert_eq!(collect(&store).await.unwrap().swept, 0);
    assert!(store.claim(&key).await.unwrap().is_none());
    owner.kill().unwrap();
    owner.wait().unwrap();
    // What is left of it is swept, or taken over.
    assert_eq!(std::fs::read_dir(dir.path().join("tmp")).unwrap().count(), 1);
    let claim = store.claim(&key).await.unwrap();
    assert!(claim.is_some());
    drop(claim);
    assert_eq!(std::fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
}

/// Claims come and go beside sweeps, which must not take the file of a new owner for that of the last.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_claim_has_one_owner_whoever_sweeps() {
    let dir = TempDir::new().unwrap();
    DirectoryStore::open(dir.path()).unwrap();
    let owners = Arc::new(AtomicUsize::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (store, owners) = (DirectoryStore::open(dir.path()).unwrap(), owners.clone());
        tasks.spawn(async move {
            let mut had = 0;
            while had < 300 {
                let Some(claim) = store.claim(&layer_key("a")).await.unwrap() else { continue };
                assert_eq!(owners.fetch_add(1, Ordering::SeqCst), 0, "another owner");
                tokio::task::yield_now().await;
                owners.fetch_sub(1, Ordering::SeqCst);
                drop(claim);
                had += 1;
            }
        });
    }
    let root = dir.path().to_owned();
    tasks.spawn_blocking(move || {
        for _ in 0..2000 {
            DirectoryStore::open(&root).unwrap();
        }
    });
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}
