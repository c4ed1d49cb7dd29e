//! A server is killed at every named step of its reconcilers and builds; the next one brings everything to its end.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Arc;

use blobstore::DirectoryStore;
use engine::{CacheUpdate, DeleteMode, DirectoryCopies, NewCacheRequest, Settings, TestTime};
use metastore::{CacheFilter, Page, SqliteMetastore};
use model::{CachePolicy, CacheState, CopyPlan, CopyState, Timestamp};
use testkit::FaultServer;

use crate::service::{DAY, Ground, Service, request, server_with};
use crate::support::local;

const DIRECTORY: &str = "IMC_TEST_ENGINE";
const REGISTRY: &str = "IMC_TEST_REGISTRY";
const SIGKILL: i32 = 9;

/// Every step of the engine, and those of the store that lie between them.
const STEPS: &[&str] = &[
    "build-taken",
    "lease-taken",
    "images-resolved",
    "blob-renamed",
    "layers-made",
    "snapshot-renamed",
    "snapshot-committed",
    "standard-blob-committed",
    "standard-snapshot-committed",
    "build-recorded",
    "standard-noted",
    "flash-released",
    "snapshot-deleted",
    "generations-dropped",
    "orphans-deleted",
    "collect-unlinked-blob",
    "cache-deleted",
];

async fn ground(dir: &Path, host: &str) -> Ground {
    let store = DirectoryStore::open(dir.join("data")).unwrap();
    Ground {
        standard: Some(Arc::new(DirectoryCopies::new(dir.join("standard"), store.id()))),
        store: Arc::new(store),
        records: Arc::new(SqliteMetastore::open(&dir.join("data/imc.db")).await.unwrap()),
        time: TestTime::at(Timestamp::from_micros(1_700_000_000_000_000)),
        plain_http: vec![host.to_owned()],
        settings: Settings::default(),
    }
}

fn flash(new: NewCacheRequest, flash: bool) -> NewCacheRequest {
    let copies = CopyPlan { flash, ..CopyPlan::default() };
    NewCacheRequest { policy: CachePolicy { copies, ..new.policy }, ..new }
}

/// A life of two caches, up to the end of one.
async fn live(service: &mut Service, host: &str) {
    let image = |tag: &str| format!("{host}/app:{tag}");
    service.built(flash(request("web", &image("1")), true)).await;
    service.built(flash(request("slow", &image("2")), false)).await;
    let update = CacheUpdate { images: Some(vec![image("3").parse().unwrap()]), ..CacheUpdate::default() };
    service.engine.update_cache(&local(), "web", &update, None).await.unwrap();
    service.settle().await;
    service.after(DAY * 8).await;
    service.engine.delete_cache(&local(), "slow", DeleteMode::WhenUnused).await.unwrap();
    service.settle().await;
}

/// What the killed process does: this test in a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let (Ok(dir), Ok(host)) = (std::env::var(DIRECTORY), std::env::var(REGISTRY)) else { return };
    let mut service = ground(Path::new(&dir), &host).await.service();
    live(&mut service, &host).await;
}

fn run_child(dir: &Path, host: &str, crash_at: &str) -> ExitStatus {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::child"]).env(DIRECTORY, dir).env(REGISTRY, host);
    command.env("IMC_CRASH_AT", crash_at).output().unwrap().status
}

async fn comes_to_its_end(dir: &Path, server: &FaultServer, what: &str) {
    let mut service = ground(dir, &server.host()).await.service();
    service.settle().await;
    let caches = service.ground.records.find_caches(&CacheFilter::default(), Page::first()).await.unwrap();
    let stores = [
        vec![Arc::clone(&service.ground.store)],
        service.ground.standard.as_ref().unwrap().copies().await.unwrap(),
    ];
    for cache in &caches {
        assert_eq!(cache.state, CacheState::Ready, "{what}: {:?}", cache.failure);
        assert_eq!(
            (cache.copies.flash, cache.copies.standard),
            (CopyState::Absent, CopyState::Complete),
            "{what}"
        );
        let snapshot = service.engine.snapshot_of(cache).await.unwrap().expect(what);
        let serving = service.engine.serving_store(snapshot.id, "ins").await.unwrap().expect(what);
        for key in snapshot.blob_keys() {
            assert!(serving.stat(&key).await.unwrap().is_some(), "{what}: {key}");
        }
    }
    // Nothing is there that nobody names.
    let retained = service.ground.records.retained_snapshots().await.unwrap();
    for store in stores.iter().flatten() {
        for document in store.list_snapshots(None, 100).await.unwrap() {
            assert!(retained.contains(&document), "{what}: {document} is nobody's");
        }
        assert_eq!(store.list_leases(Timestamp::from_micros(0)).await.unwrap(), [], "{what}");
    }
    let later = service.built(flash(request("later", &format!("{}/app:2", server.host())), true)).await;
    assert_eq!(later.state, CacheState::Ready, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_step_the_next_server_brings_all_to_its_end() {
    let server = server_with(&["1", "2", "3"]);
    for step in STEPS {
        let mut killed = 0;
        for time in 1..=2 {
            let folder = testkit::data_dir();
            let what = format!("{step}:{time}");
            let status = run_child(folder.path(), &server.host(), &what);
            let is_killed = status.signal() == Some(SIGKILL);
            assert!(is_killed || status.success(), "{what}: {status}");
            killed += u32::from(is_killed);
            comes_to_its_end(folder.path(), &server, &what).await;
            if !is_killed {
                break;
            }
        }
        assert!(killed > 0, "{step} was never reached");
    }
}
