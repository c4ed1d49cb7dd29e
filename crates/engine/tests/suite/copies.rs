//! Standard snapshots beside flash ones.

use std::sync::Arc;

use blobstore::{BlobStore, DirectoryStore, FaultPlan, FaultStore, MemoryStore};
use engine::{CacheUpdate, DeleteMode, NewCacheRequest, StandardStore};
use model::{
    CachePolicy, CacheState, CopyPlan, CopyState, EventReason, ImageCache, PolicyEdit, SnapshotCopies,
};
use rustix::io::Errno;

use crate::service::{Ground, Service, app, image_of, request, server_with};
use crate::support::{blob_path, local};

fn copied(new: NewCacheRequest, flash: bool, count: u32) -> NewCacheRequest {
    let copies = CopyPlan { flash, standard_copies: count.try_into().unwrap(), ..CopyPlan::default() };
    NewCacheRequest { policy: CachePolicy { copies, ..new.policy }, ..new }
}

const SETTLED: SnapshotCopies = SnapshotCopies { flash: CopyState::Absent, standard: CopyState::Complete };

async fn counts(service: &Service, cache: &ImageCache) -> (bool, usize) {
    let snapshot = cache.snapshot.unwrap();
    let local = service.ground.store.get_snapshot(snapshot).await.unwrap().is_some();
    let mut copies = 0;
    for copy in service.ground.standard.as_ref().unwrap().copies().await.unwrap() {
        copies += usize::from(copy.get_snapshot(snapshot).await.unwrap().is_some());
    }
    (local, copies)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_standard_store_the_one_store_is_both() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    let cache = service.built(copied(request("web", &app(&server, "1")), true, 2)).await;
    let both = SnapshotCopies { flash: CopyState::Complete, standard: CopyState::Complete };
    assert_eq!(cache.copies, both);
    let update =
        CacheUpdate { images: Some(vec![app(&server, "1").parse().unwrap()]), ..CacheUpdate::default() };
    service.engine.update_cache(&local(), "web", &update, None).await.unwrap();
    service.settle().await;
    service.engine.roll_back(&local(), "web", None).await.unwrap();
    service.settle().await;
    assert_eq!(service.cache(cache.id).await.copies, both);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_flash_it_is_ready_before_the_standard_copies_and_served_from_these_afterwards() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).with_standard().service();
    let new = copied(request("web", &app(&server, "1")), true, 2);
    let id = service.engine.request_cache(new).await.unwrap().into_cache().id;
    service.reconcilers.pass_of("builds").await.unwrap();
    let ready = loop {
        let cache = service.cache(id).await;
        if cache.state == CacheState::Ready {
            break cache;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((ready.copies.flash, ready.copies.standard), (CopyState::Complete, CopyState::Absent));
    assert_eq!(counts(&service, &ready).await, (true, 0));
    service.settle().await;
    let settled = service.cache(id).await;
    assert_eq!(settled.copies, SETTLED);
    assert_eq!(counts(&service, &settled).await, (false, 2));
    for reason in [EventReason::FlashCompleted, EventReason::StandardCompleted, EventReason::FlashReleased] {
        assert!(service.has_event(&ready, reason).await, "{reason}");
    }
    // The local blobs are nobody's by now, and a snapshot is found all the same.
    assert_eq!(service.ground.store.list_blobs(None, 10).await.unwrap(), []);
    let snapshot = service.engine.snapshot_of(&settled).await.unwrap().unwrap();
    let serving = service.engine.serving_store(snapshot.id, "ins").await.unwrap().unwrap();
    assert!(serving.stat(&snapshot.blob_keys()[0]).await.unwrap().is_some());
    // A build of the same layers takes them from there.
    let again = service.built(copied(request("again", &app(&server, "1")), true, 1)).await;
    assert_eq!(again.state, CacheState::Ready);
    assert_eq!(server.requests_for(&blob_path(&image_of("1").layers[0])).len(), 1);
    for name in ["web", "again"] {
        service.engine.delete_cache(&local(), name, DeleteMode::Refuse).await.unwrap();
    }
    service.settle().await;
    for copy in service.ground.standard.as_ref().unwrap().copies().await.unwrap() {
        assert_eq!(copy.list_snapshots(None, 10).await.unwrap(), []);
        assert_eq!(copy.list_blobs(None, 10).await.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_flash_it_is_ready_only_with_its_standard_copies() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).with_standard().service();
    let cache = service.built(copied(request("web", &app(&server, "1")), false, 3)).await;
    assert_eq!((cache.state, cache.copies), (CacheState::Ready, SETTLED));
    assert_eq!(counts(&service, &cache).await, (false, 3));
    assert!(service.has_event(&cache, EventReason::StandardCompleted).await);
    assert!(!service.has_event(&cache, EventReason::FlashCompleted).await);
    // More of them are made when more are asked for.
    let standard_copies = Some(4.try_into().unwrap());
    let update = CacheUpdate {
        policy: PolicyEdit { standard_copies, ..PolicyEdit::default() },
        ..CacheUpdate::default()
    };
    service.engine.update_cache(&local(), "web", &update, None).await.unwrap();
    service.settle().await;
    assert_eq!(counts(&service, &cache).await, (false, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_from_before_there_was_a_standard_store_is_not_let_go_before_it_is_there() {
    let server = server_with(&["1"]);
    let mut ground = Ground::in_memory(&server);
    let cache = ground.service().built(request("web", &app(&server, "1"))).await;
    ground = ground.with_standard();
    let mut service = ground.service();
    service.settle().await;
    assert_eq!(counts(&service, &cache).await, (false, 1));
    // And where it is out of sight again, nothing is taken for lost.
    let mut without = Ground { standard: None, ..ground.clone() }.service();
    without.settle().await;
    assert_eq!(without.cache(cache.id).await.state, CacheState::Ready);
}

/// Standard copies the first of which fails in its n-th call.
struct Failing(Arc<FaultStore<MemoryStore>>);

#[async_trait::async_trait]
impl StandardStore for Failing {
    async fn copy(&self, _: u32) -> blobstore::Result<Arc<dyn BlobStore>> {
        Ok(self.0.clone())
    }

    async fn copies(&self) -> blobstore::Result<Vec<Arc<dyn BlobStore>>> {
        Ok(vec![self.0.clone()])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_to_the_standard_store_fails_once_and_nothing_is_lost() {
    let server = server_with(&["1"]);
    for flash in [true, false] {
        for call in 0.. {
            let plan = FaultPlan { call, is_done: call % 2 == 0, errno: Errno::IO };
            let store = Arc::new(FaultStore::new(MemoryStore::default(), Some(plan)));
            let ground = Ground::in_memory(&server);
            let ground = Ground { standard: Some(Arc::new(Failing(Arc::clone(&store)))), ..ground };
            let mut service = ground.service();
            let new = copied(request("web", &app(&server, "1")), flash, 1);
            let id = service.engine.request_cache(new.clone()).await.unwrap().into_cache().id;
            // It fails once, and says so.
            for _ in 0..6 {
                let _ = service.reconcilers.settle().await;
            }
            if store.calls() <= call {
                assert!(call > 8, "copying makes more calls than {call}");
                break;
            }
            let cache = service.cache(id).await;
            if cache.state == CacheState::Ready {
                assert_eq!(cache.copies, SETTLED, "{plan:?}");
                assert_eq!(counts(&service, &cache).await, (false, 1), "{plan:?}");
            } else {
                assert!(!flash, "{plan:?}: {:?}", cache.failure);
                assert_eq!(cache.state, CacheState::Failed, "{plan:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_made_from_another_where_the_local_blob_is_broken() {
    let folder = testkit::data_dir();
    let server = server_with(&["1"]);
    let store = Arc::new(DirectoryStore::open(folder.path().join("data")).unwrap());
    let ground = Ground { store: Arc::clone(&store) as _, ..Ground::in_memory(&server).with_standard() };
    let mut service = ground.service();
    let new = copied(request("web", &app(&server, "1")), false, 1);
    let id = service.engine.request_cache(new).await.unwrap().into_cache().id;
    service.reconcilers.pass_of("builds").await.unwrap();
    let cache = loop {
        let cache = service.cache(id).await;
        if cache.state == CacheState::Ready {
            break cache;
        }
        tokio::task::yield_now().await;
    };
    // No collection yet: the blob is in both stores.
    let snapshot = service.engine.snapshot_of(&cache).await.unwrap().unwrap();
    let blob = store.local_path(&snapshot.blob_keys()[0]).unwrap();
    std::fs::remove_file(&blob).unwrap();
    std::fs::write(&blob, "x").unwrap();
    let update = CacheUpdate {
        policy: PolicyEdit { standard_copies: Some(2.try_into().unwrap()), ..PolicyEdit::default() },
        ..CacheUpdate::default()
    };
    service.engine.update_cache(&local(), "web", &update, None).await.unwrap();
    service.reconcilers.pass_of("copies").await.unwrap();
    assert_eq!(counts(&service, &service.cache(id).await).await.1, 2);
}
