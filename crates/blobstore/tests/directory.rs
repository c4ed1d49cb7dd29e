//! The conformance suite over a directory, and what only a directory can be: broken, newer, half-written, locked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use blobstore::conformance::faults::{fails_and_recovers, recovers, script};
use blobstore::conformance::{
    at, check_invariants, collect, commit_loose, layer_key, listed, merged_key, snapshot_over,
};
use blobstore::{BlobStore, DirectoryOptions, DirectoryStore, Error, ErrorKind, LeaseTerm, Sidecar};
use model::ByteSize;
use rustix::io::Errno;
use tempfile::TempDir;

async fn make() -> (DirectoryStore, TempDir) {
    let dir = TempDir::new().unwrap();
    (DirectoryStore::open(dir.path()).unwrap(), dir)
}

blobstore::blobstore_conformance!(crate::make);

#[tokio::test]
async fn a_sidecar_that_could_not_be_read_back_is_not_written() {
    let (store, _dir) = make().await;
    let key = layer_key("a");
    let lease = store.lease("test", &[], LeaseTerm::Held).await.unwrap();
    let writer = store.begin(&*lease, &key).await.unwrap();
    let leans = serde_json::Value::String("x".repeat(128 << 20));
    let sidecar = Sidecar { leans, ..Sidecar::of_size(ByteSize::ZERO) };
    let error = writer.commit(sidecar).await.unwrap_err();
    assert!(matches!(error, Error::DocumentTooLong { object: "sidecar", .. }), "{error:?}");
    assert_eq!(store.stat(&key).await.unwrap(), None);
    // The key is as good as before.
    commit_loose(&store, &[key]).await;
    assert!(store.stat(&key).await.unwrap().is_some());
}

#[tokio::test]
async fn what_root_makes_in_a_users_store_is_the_users() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let dir = TempDir::new().unwrap();
    let root = dir.path().join("store");
    fs::create_dir(&root).unwrap();
    chown(&root, Some(65_534), Some(65_533)).unwrap();
    let store = DirectoryStore::open(&root).unwrap();
    let keys = [layer_key("a"), merged_key("b")];
    commit_loose(&store, &keys).await;
    store.put_snapshot(&snapshot_over(&keys)).await.unwrap();
    let _lease = store.lease("test", &keys, LeaseTerm::Held).await.unwrap();
    let _claim = store.claim(&layer_key("c")).await.unwrap().unwrap();
    let mut seen = 0;
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let found = entry.metadata().unwrap();
            assert_eq!((found.uid(), found.gid()), (65_534, 65_533), "{}", entry.path().display());
            seen += 1;
            folders.extend(found.is_dir().then(|| entry.path()));
        }
    }
    assert!(seen >= 15, "{seen}");
}

#[tokio::test]
async fn a_lock_that_is_a_link_is_refused() {
    let dir = TempDir::new().unwrap();
    std::os::unix::fs::symlink("elsewhere", dir.path().join("lock")).unwrap();
    DirectoryStore::open(dir.path()).unwrap_err();
    assert!(!dir.path().join("elsewhere").exists());
}

#[tokio::test]
async fn every_call_may_fail() {
    for is_done in [false, true] {
        let mut call = 0;
        loop {
            let (store, _dir) = make().await;
            if !fails_and_recovers(store, call, is_done).await {
                break;
            }
            call += 1;
        }
        assert!(call >= 15, "the script has more than {call} calls");
    }
}

#[tokio::test]
async fn every_step_may_fail() {
    for (errno, kind) in [(Errno::NOSPC, ErrorKind::NoSpace), (Errno::IO, ErrorKind::Io)] {
        let mut failing = 0;
        loop {
            let dir = TempDir::new().unwrap();
            let reached = Arc::new(AtomicUsize::new(0));
            let counter = reached.clone();
            let steps = move |_: &'static str| match counter.fetch_add(1, Ordering::SeqCst) == failing {
                true => Err(io::Error::from(errno)),
                false => Ok(()),
            };
            let options = DirectoryOptions { steps: Arc::new(steps), ..DirectoryOptions::default() };
            let store = DirectoryStore::open_with(dir.path(), options).unwrap();
            let outcome = script(&store).await;
            if reached.load(Ordering::SeqCst) <= failing {
                outcome.unwrap();
                break;
            }
            assert_eq!(outcome.unwrap_err().kind(), kind);
            recovers(&store).await;
            assert_eq!(files_below(&dir.path().join("tmp")), Vec::<PathBuf>::new());
            failing += 1;
        }
        assert!(failing >= 30, "the script has more than {failing} steps");
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files.sort();
    files
}

fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    files_below(dir).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[tokio::test]
async fn a_store_is_the_same_one_wherever_it_lies() {
    let above = tempfile::tempdir().unwrap();
    let (here, there) = (above.path().join("here"), above.path().join("there"));
    let id = DirectoryStore::open(&here).unwrap().id();
    assert_eq!(DirectoryStore::open(&here).unwrap().id(), id);
    fs::rename(&here, &there).unwrap();
    assert_eq!(DirectoryStore::open(&there).unwrap().id(), id);
    assert_ne!(DirectoryStore::open(&here).unwrap().id(), id);
}

#[tokio::test]
async fn a_store_of_before_stores_had_ids_gets_one() {
    let (store, dir) = make().await;
    commit_loose(&store, &[layer_key("a")]).await;
    fs::write(dir.path().join("store.json"), "{\"version\": 1}").unwrap();
    let opened = DirectoryStore::open(dir.path()).unwrap();
    assert_ne!(opened.id(), store.id());
    assert_eq!(DirectoryStore::open(dir.path()).unwrap().id(), opened.id());
    assert!(opened.stat(&layer_key("a")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_newer_store_is_refused_and_left_alone() {
    let (store, dir) = make().await;
    commit_loose(&store, &[layer_key("a")]).await;
    fs::write(dir.path().join("store.json"), "{\"version\": 2, \"unheard\": \"of\"}").unwrap();
    fs::write(dir.path().join("tmp/leftover"), "x").unwrap();
    let before = contents(dir.path());
    let error = DirectoryStore::open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Version { found: 2, known: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("use a newer imc"), "{error}");
    assert_eq!(contents(dir.path()), before);
}

#[tokio::test]
async fn a_broken_store_format_is_refused() {
    let (_store, dir) = make().await;
    fs::write(dir.path().join("store.json"), "{").unwrap();
    let error = DirectoryStore::open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Document { object: "store format", .. }), "{error:?}");
}

#[tokio::test]
async fn a_broken_blob_can_be_discarded_and_made_again() {
    let (store, _dir) = make().await;
    let key = layer_key("a");
    for part in ["erofs", "json"] {
        commit_loose(&store, &[key]).await;
        let blob = store.local_path(&key).unwrap();
        let broken = blob.with_extension(part);
        fs::remove_file(&broken).unwrap();
        fs::write(&broken, "x").unwrap();
        assert_eq!(store.stat(&key).await.unwrap_err().kind(), ErrorKind::Corrupt, "{part}");
        assert!(store.discard_broken(&key).await.unwrap(), "{part}");
        assert_eq!(store.stat(&key).await.unwrap(), None, "{part}");
        assert!(!blob.exists() && !blob.with_extension("json").exists());
    }
}

/// Breaks the file, and expects reading and collecting to say so and to delete nothing.
async fn collection_refuses(store: &DirectoryStore, dir: &Path, broken: &Path, text: &str, kind: ErrorKind) {
    let original = fs::read(broken).unwrap();
    fs::write(broken, text).unwrap();
    let before = contents(dir);
    let error = collect(store).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(error.to_string().contains(broken.to_str().unwrap()), "{error}");
    assert_eq!(contents(dir), before);
    fs::write(broken, original).unwrap();
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_stops_collection() {
    let (store, dir) = make().await;
    commit_loose(&store, &[layer_key("named"), layer_key("loose")]).await;
    let snapshot = snapshot_over(&[layer_key("named")]);
    store.put_snapshot(&snapshot).await.unwrap();
    let path = dir.path().join(format!("snapshots/{}.json", snapshot.id));
    let other = snapshot_over(&[]);
    let misplaced = serde_json::to_string(&other).unwrap();
    for (text, kind) in [
        ("", ErrorKind::Corrupt),
        ("{\"version\": 1}", ErrorKind::Corrupt),
        ("{\"version\": 1, \"id", ErrorKind::Corrupt),
        ("{\"version\": 7}", ErrorKind::Unsupported),
        (&misplaced, ErrorKind::Corrupt),
    ] {
        collection_refuses(&store, dir.path(), &path, text, kind).await;
        fs::write(&path, text).unwrap();
        assert_eq!(store.get_snapshot(snapshot.id).await.unwrap_err().kind(), kind);
        fs::write(&path, serde_json::to_string(&snapshot).unwrap()).unwrap();
    }
    assert_eq!(collect(&store).await.unwrap().deleted, [layer_key("loose")]);
}

#[tokio::test]
async fn a_lease_that_cannot_be_read_stops_collection() {
    let (store, dir) = make().await;
    commit_loose(&store, &[layer_key("leased")]).await;
    let lease = store.lease("peer", &[layer_key("leased")], LeaseTerm::Until(at(10))).await.unwrap();
    let path = dir.path().join(format!("leases/{}.until", lease.id()));
    let header = fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned();
    for (text, kind) in [
        (String::new(), ErrorKind::Corrupt),
        ("{\"version\":9}\n".to_owned(), ErrorKind::Unsupported),
        (format!("{header}\nnonsense\n"), ErrorKind::Corrupt),
    ] {
        collection_refuses(&store, dir.path(), &path, &text, kind).await;
    }
    // A line without its end was never promised.
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{{\"kind\":\"lay")).unwrap();
    assert_eq!(collect(&store).await.unwrap().kept, 1);
}

#[tokio::test]
async fn what_a_power_loss_left_of_a_held_lease_stops_nothing() {
    let (store, dir) = make().await;
    commit_loose(&store, &[layer_key("loose")]).await;
    let path = dir.path().join(format!("leases/{}.held", model::LeaseId::generate()));
    fs::write(&path, [0; 64]).unwrap();
    let report = collect(&store).await.unwrap();
    assert_eq!((report.ended_leases, report.deleted), (1, vec![layer_key("loose")]));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_sidecar_that_cannot_be_read_is_named_and_left_alone() {
    let (store, dir) = make().await;
    let key = layer_key("a");
    commit_loose(&store, &[key]).await;
    let blob = store.local_path(&key).unwrap();
    let sidecar = blob.with_extension("json");
    let good = fs::read_to_string(&sidecar).unwrap();
    for (text, kind) in [
        ("", ErrorKind::Corrupt),
        ("{\"version\": 1, \"blob_size\": 3, \"unheard\": 0}", ErrorKind::Corrupt),
        ("{\"version\": 2}", ErrorKind::Unsupported),
    ] {
        fs::write(&sidecar, text).unwrap();
        let before = contents(dir.path());
        for error in [store.stat(&key).await.map(drop), store.open(&key).await.map(drop)] {
            let error = error.unwrap_err();
            assert_eq!(error.kind(), kind, "{error:?}");
            assert!(error.to_string().contains(sidecar.to_str().unwrap()), "{error}");
        }
        assert_eq!(contents(dir.path()), before);
    }
    fs::write(&sidecar, good).unwrap();
    let file = fs::OpenOptions::new().append(true).open(&blob).unwrap();
    file.set_len(7).unwrap();
    let error = store.stat(&key).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(store.delete(&key).await.unwrap());
    commit_loose(&store, &[key]).await;
    check_invariants(&store).await;
}

#[tokio::test]
async fn halves_are_invisible_and_swept_and_foreign_files_are_not_ours() {
    let (store, dir) = make().await;
    let (no_blob, no_sidecar, whole) = (layer_key("1"), merged_key("2"), layer_key("3"));
    commit_loose(&store, &[no_blob, no_sidecar, whole]).await;
    store.put_snapshot(&snapshot_over(&[whole])).await.unwrap();
    fs::remove_file(store.local_path(&no_blob).unwrap()).unwrap();
    fs::remove_file(store.local_path(&no_sidecar).unwrap().with_extension("json")).unwrap();
    let foreign = store.local_path(&whole).unwrap().with_file_name("notes.txt");
    fs::write(&foreign, "mine").unwrap();
    assert_eq!(listed(&store).await, [whole]);
    for key in [no_blob, no_sidecar] {
        assert_eq!(store.stat(&key).await.unwrap(), None);
        assert!(matches!(store.open(&key).await, Err(Error::NoBlob(_))));
    }
    let report = collect(&store).await.unwrap();
    assert_eq!((report.swept, report.deleted.len()), (2, 0));
    assert!(foreign.exists());
    let blobs = files_below(&dir.path().join("layers")).len() + files_below(&dir.path().join("merged")).len();
    assert_eq!(blobs, 3);
}

#[tokio::test]
async fn opening_sweeps_leftovers_but_not_what_has_an_owner() {
    let (store, dir) = make().await;
    let lease = store.lease("suite", &[], LeaseTerm::Held).await.unwrap();
    let writer = store.begin(&*lease, &layer_key("a")).await.unwrap();
    fs::write(dir.path().join("tmp/0.1.2.ingest"), "left by somebody").unwrap();
    assert_eq!(files_below(&dir.path().join("tmp")).len(), 2);
    DirectoryStore::open(dir.path()).unwrap();
    assert_eq!(files_below(&dir.path().join("tmp")).len(), 1);
    drop(writer);
    assert_eq!(files_below(&dir.path().join("tmp")).len(), 0);
}

#[tokio::test]
async fn waiting_for_the_lock_has_an_end() {
    let dir = TempDir::new().unwrap();
    let options = DirectoryOptions { lock_wait: Duration::from_millis(20), ..DirectoryOptions::default() };
    let store = DirectoryStore::open_with(dir.path(), options).unwrap();
    let held = fs::File::open(dir.path().join("lock")).unwrap();
    held.lock().unwrap();
    let error = store.put_snapshot(&snapshot_over(&[])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(store.lease("suite", &[], LeaseTerm::Held).await.is_err());
    drop(held);
    store.put_snapshot(&snapshot_over(&[])).await.unwrap();
}

#[tokio::test]
async fn a_key_is_found_again_by_its_path() {
    let (store, dir) = make().await;
    let key = merged_key("a");
    assert_eq!(store.key_at(&store.local_path(&key).unwrap()), Some(key));
    assert_eq!(store.key_at(&dir.path().join("store.json")), None);
}

#[tokio::test]
async fn blobs_cannot_be_written_and_the_store_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new().unwrap();
    let root = dir.path().join("deeper/store");
    let store = DirectoryStore::open(&root).unwrap();
    commit_loose(&store, &[layer_key("a")]).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&store.local_path(&layer_key("a")).unwrap()), 0o444);
    assert_eq!(mode(&root), 0o700);
}
