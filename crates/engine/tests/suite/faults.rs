//! Every single call to store and records fails once: the cache says so, and a later create ends well.

use std::path::Path;
use std::sync::Arc;

use blobstore::{DirectoryStore, FaultStore, MemoryStore};
use engine::{DeleteMode, Deletion, FailureKind};
use metastore::fault::{FaultMetastore, FaultPlan};
use metastore::{MemoryMetastore, SqliteMetastore};
use model::{ByteSize, CacheState};
use rustix::io::Errno;

use crate::support::{World, image, layout, local, new_cache, noise};

fn source(folder: &Path) -> String {
    layout(folder, "image", &image([noise("a", 30_000), noise("b", 10_000)]))
}

/// A build with that world; then the state of things must be one that the user understands.
async fn build_and_judge(failing: &World, sound: &World, source: &str, what: &str) {
    let built = match failing.engine.create_cache(new_cache("web", source, ByteSize::gib(1))).await {
        Ok(mut build) => build.finished().await.map_err(|error| error.kind()),
        Err(error) => Err(error.kind()),
    };
    failing.engine.shut_down().await;
    let caches = sound.engine.list_caches(&local()).await.unwrap();
    assert!(caches.len() <= 1, "{what}: {caches:?}");
    for view in caches {
        let state = view.cache.state;
        match built {
            Ok(_) => assert_eq!(state, CacheState::Ready, "{what}"),
            Err(kind) => {
                assert_eq!(state, CacheState::Failed, "{what}: {kind:?}");
                let failure = view.cache.failure.expect(what);
                assert!(!failure.reason.is_empty() && !failure.message.is_empty(), "{what}");
            }
        }
    }
    sound.assert_nothing_left_of_failures().await;
    let later = sound.create(new_cache("later", source, ByteSize::gib(1))).await.expect(what);
    assert_eq!(later.state, CacheState::Ready, "{what}");
    let document = sound.engine.snapshot_of(&later).await.unwrap();
    assert_eq!(document.expect(what).images[0].layers.len(), 2, "{what}");
    sound.engine.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_to_the_store() {
    let folder = testkit::data_dir();
    let source = source(folder.path());
    for is_done in [false, true] {
        for call in 0.. {
            let inner = MemoryStore::default();
            let plan = blobstore::FaultPlan { call, is_done, errno: Errno::IO };
            let store = Arc::new(FaultStore::new(inner.clone(), Some(plan)));
            let records = Arc::new(MemoryMetastore::default());
            let failing = World::of(store.clone(), records.clone(), None);
            let sound = World::of(Arc::new(inner), records, None);
            build_and_judge(&failing, &sound, &source, &format!("{plan:?}")).await;
            if store.calls() <= call {
                assert!(call > 8, "a build makes more calls than {call}");
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_verb_of_the_records() {
    let folder = testkit::data_dir();
    let source = source(folder.path());
    for is_done in [false, true] {
        for call in 0.. {
            let plan = FaultPlan { call, is_done, kind: metastore::ErrorKind::Io };
            let file = folder.path().join(format!("{is_done}-{call}.db"));
            let inner = Arc::new(SqliteMetastore::open(&file).await.unwrap());
            let records = SqliteMetastore::open(&file).await.unwrap();
            let records = Arc::new(FaultMetastore::new(records, Some(plan)));
            let store = Arc::new(MemoryStore::default());
            let failing = World::of(store.clone(), records.clone(), None);
            let sound = World::of(store, inner, None);
            build_and_judge(&failing, &sound, &source, &format!("{plan:?}")).await;
            if records.calls() <= call {
                assert!(call > 5, "a build uses more verbs than {call}");
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_space_is_told_as_such() {
    let folder = testkit::data_dir();
    let source = source(folder.path());
    let store = DirectoryStore::open(folder.path().join("data")).unwrap();
    let plan = blobstore::FaultPlan { call: 0, is_done: false, errno: Errno::NOSPC };
    let world =
        World::of(Arc::new(FaultStore::new(store, Some(plan))), Arc::new(MemoryMetastore::default()), None);
    let error = world.create(new_cache("web", &source, ByteSize::gib(1))).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::NoSpace);
    world.engine.shut_down().await;
}

/// What is recorded is done: a document that cannot be deleted is a collection's work, and no failure of the deletion.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_does_not_fail_by_the_store() {
    let folder = testkit::data_dir();
    let source = source(folder.path());
    for call in 0.. {
        let inner = MemoryStore::default();
        let plan = blobstore::FaultPlan { call, is_done: false, errno: Errno::IO };
        let store = Arc::new(FaultStore::new(inner.clone(), Some(plan)));
        let records = Arc::new(MemoryMetastore::default());
        let failing = World::of(store.clone(), records.clone(), None);
        let Ok(mut build) = failing.engine.create_cache(new_cache("web", &source, ByteSize::gib(1))).await
        else {
            continue;
        };
        if build.finished().await.is_ok() {
            let deleted = failing.engine.delete_cache(&local(), "web", DeleteMode::Refuse).await;
            assert!(matches!(deleted, Ok(Deletion::Done(_))), "{plan:?}: {deleted:?}");
        }
        failing.engine.shut_down().await;
        if store.calls() <= call {
            break;
        }
        World::of(Arc::new(inner), records, None).assert_nothing_left_of_failures().await;
    }
}
