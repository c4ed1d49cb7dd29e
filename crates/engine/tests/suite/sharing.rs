//! Equal layers are fetched once for any number of builds.

use std::sync::Arc;
use std::time::Duration;

use blobstore::{DirectoryStore, FaultStore};
use engine::{FailureKind, LayerPhase};
use metastore::SqliteMetastore;
use model::{ByteSize, CacheState, EventReason};
use testkit::{FaultServer, Reply};

use crate::support::{World, blob_path, image, new_cache, noise};

#[tokio::test(flavor = "multi_thread")]
async fn builds_at_once_fetch_an_equal_layer_once() {
    let server = FaultServer::start();
    let (shared, other) = (noise("shared", 200_000), noise("other", 10_000));
    server.serve_image("app", "1", &image([shared.clone()]));
    server.serve_image("app", "2", &image([shared.clone(), other]));
    let path = blob_path(&shared);
    server.always(&path, Reply::blob(&shared.blob).held());
    let folder = testkit::data_dir();
    let world = World::on_disk(folder.path(), Some(&server)).await;
    let new = |tag: &str| new_cache("web", &format!("{}/app:{tag}", server.host()), ByteSize::gib(1));
    let mut first = world.engine.create_cache(new("1")).await.unwrap();
    let mut second = world.engine.create_cache(new("2")).await.unwrap();
    let unpacking = |build: &engine::BuildHandle| {
        build.progress.layers().first().is_some_and(|layer| layer.phase == LayerPhase::Unpacking)
    };
    while !unpacking(&first) || !unpacking(&second) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(first.progress.percent() < 100);
    server.release();
    let (one, two) = (first.finished().await.unwrap(), second.finished().await.unwrap());
    assert_eq!((one.state, two.state), (CacheState::Ready, CacheState::Ready));
    assert_eq!(server.requests_for(&path).len(), 1);
    assert_eq!((first.progress.percent(), second.progress.percent()), (100, 100));
    let both = [world.reasons(&one).await, world.reasons(&two).await].concat();
    assert_eq!(both.iter().filter(|reason| **reason == EventReason::LayerCommitted).count(), 2);
    assert_eq!(both.iter().filter(|reason| **reason == EventReason::LayerReused).count(), 1);
}

/// What is in the store is fetched again where the cache does not reuse layers, and is stored once all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_reuses_no_layers_fetches_each_anew() {
    let server = FaultServer::start();
    let layer = noise("shared", 50_000);
    server.serve_image("app", "1", &image([layer.clone()]));
    let folder = testkit::data_dir();
    let world = World::on_disk(folder.path(), Some(&server)).await;
    let new = |name: &str, reuse_layers: bool| {
        let mut new = new_cache(name, &format!("{}/app:1", server.host()), ByteSize::gib(1));
        new.policy.reuse_layers = reuse_layers;
        new
    };
    let fetched = || server.requests_for(&blob_path(&layer)).len();
    for (name, reuse_layers, requests) in
        [("one", true, 1), ("two", true, 1), ("anew", false, 2), ("anew-again", false, 3), ("last", true, 3)]
    {
        let cache = world.create(new(name, reuse_layers)).await.unwrap();
        assert_eq!((cache.state, fetched()), (CacheState::Ready, requests), "{name}");
        let reused = world.reasons(&cache).await.contains(&EventReason::LayerReused);
        assert_eq!(reused, reuse_layers && name != "one", "{name}");
    }
    assert_eq!(world.blobs().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_that_are_not_kept_are_said() {
    let server = FaultServer::start();
    server.serve_image("app", "1", &image([noise("layer", 1000)]));
    let world = World::in_memory(Some(&server));
    let mut new = new_cache("web", &format!("{}/app:1", server.host()), ByteSize::gib(1));
    let cache = world.create(new.clone()).await.unwrap();
    assert!(!world.reasons(&cache).await.contains(&EventReason::FewerCopies));
    new.policy.copies.flash_copies = 3.try_into().unwrap();
    new.policy.copies.standard_copies = 2.try_into().unwrap();
    let cache = world.create(new).await.unwrap();
    assert!(world.reasons(&cache).await.contains(&EventReason::FewerCopies));
    let said = world.engine.fewer_copies(&cache.policy.copies).unwrap();
    assert!(said.contains("1 of 3 flash copies") && said.contains("1 of 2 standard copies"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_whose_size_is_too_small_does_not_fail_the_one_that_waits_for_its_layer() {
    let server = FaultServer::start();
    let layer = noise("big", 300_000);
    server.serve_image("app", "1", &image([layer.clone()]));
    let path = blob_path(&layer);
    server.always(&path, Reply::blob(&layer.blob).held());
    let world = World::in_memory(Some(&server));
    let source = format!("{}/app:1", server.host());
    let mut small =
        world.engine.create_cache(new_cache("small", &source, ByteSize::bytes(99_000))).await.unwrap();
    server.wait_for_requests(&path, 1);
    let mut large = world.engine.create_cache(new_cache("large", &source, ByteSize::gib(1))).await.unwrap();
    while large.progress.layers().first().is_none_or(|layer| layer.phase != LayerPhase::Unpacking) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    server.release();
    assert_eq!(small.finished().await.unwrap_err().kind(), FailureKind::SizeTooSmall);
    assert_eq!(large.finished().await.unwrap().state, CacheState::Ready);
    assert_eq!(server.requests_for(&path).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_one_of_two_builds_leaves_the_other_its_layer() {
    let server = FaultServer::start();
    let layer = noise("big", 300_000);
    server.serve_image("app", "1", &image([layer.clone()]));
    let path = blob_path(&layer);
    server.always(&path, Reply::blob(&layer.blob).held());
    let world = World::in_memory(Some(&server));
    let new = |name| new_cache(name, &format!("{}/app:1", server.host()), ByteSize::gib(1));
    let mut first = world.engine.create_cache(new("first")).await.unwrap();
    server.wait_for_requests(&path, 1);
    let mut second = world.engine.create_cache(new("second")).await.unwrap();
    while second.progress.layers().first().is_none_or(|layer| layer.phase != LayerPhase::Unpacking) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    first.cancel();
    assert_eq!(first.finished().await.unwrap_err().kind(), FailureKind::Cancelled);
    server.release();
    assert_eq!(second.finished().await.unwrap().state, CacheState::Ready);
    assert_eq!(server.requests_for(&path).len(), 1);
    world.assert_nothing_left_of_failures().await;
}

/// A build of the layer that the server holds back, and one of another store and engine over the same directory that finds
/// the layer claimed.
async fn maker_and_waiter(
    server: &FaultServer,
    folder: &std::path::Path,
    size: ByteSize,
) -> ([World; 2], [engine::BuildHandle; 2], String) {
    let layer = noise("big", 300_000);
    server.serve_image("app", "1", &image([layer.clone()]));
    let path = blob_path(&layer);
    server.always(&path, Reply::blob(&layer.blob).held());
    let source = format!("{}/app:1", server.host());
    let maker_world = World::on_disk(folder, Some(server)).await;
    let calls = Arc::new(FaultStore::new(DirectoryStore::open(folder.join("data")).unwrap(), None));
    let records = Arc::new(SqliteMetastore::open(&folder.join("data/imc.db")).await.unwrap());
    // It converts one layer at a time.
    let waiter_world = World::with(calls.clone(), records, Some(server), 1);
    let worlds = [maker_world, waiter_world];
    let maker = worlds[0].engine.create_cache(new_cache("maker", &source, ByteSize::gib(1))).await.unwrap();
    server.wait_for_requests(&path, 1);
    let waiter = worlds[1].engine.create_cache(new_cache("waiter", &source, size)).await.unwrap();
    // A build that makes its layer asks less of the store; this one asks again and again.
    let waits = async {
        while calls.calls() < 12 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waits)
        .await
        .expect("it asks for the claim until it has it");
    assert_eq!(waiter.progress.layers()[0].phase, LayerPhase::Waiting);
    (worlds, [maker, waiter], path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_another_process_makes_is_waited_for_and_counted() {
    for (size, fits) in [(ByteSize::gib(1), true), (ByteSize::bytes(99_000), false)] {
        let (server, folder) = (FaultServer::start(), testkit::data_dir());
        let (worlds, [mut maker, mut waiter], path) = maker_and_waiter(&server, folder.path(), size).await;
        server.release();
        assert_eq!(maker.finished().await.unwrap().state, CacheState::Ready);
        let waited = waiter.finished().await;
        assert_eq!(server.requests_for(&path).len(), 1);
        if fits {
            let cache = waited.unwrap();
            assert_eq!(waiter.progress.layers()[0].phase, LayerPhase::Reused);
            assert!(worlds[1].reasons(&cache).await.contains(&EventReason::LayerReused));
        } else {
            assert_eq!(waited.unwrap_err().kind(), FailureKind::SizeTooSmall);
        }
        worlds[1].assert_nothing_left_of_failures().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_another_process_holds_up_no_other_layer_and_takes_over_when_that_fails() {
    let (server, folder) = (FaultServer::start(), testkit::data_dir());
    let (worlds, [mut maker, mut waiter], path) =
        maker_and_waiter(&server, folder.path(), ByteSize::gib(1)).await;
    // The waiter has not kept the one turn.
    server.serve_image("app", "other", &image([noise("other", 1000)]));
    let other = new_cache("other", &format!("{}/app:other", server.host()), ByteSize::gib(1));
    worlds[1].create(other).await.unwrap();
    maker.cancel();
    assert_eq!(maker.finished().await.unwrap_err().kind(), FailureKind::Cancelled);
    server.wait_for_requests(&path, 2);
    server.release();
    assert_eq!(waiter.finished().await.unwrap().state, CacheState::Ready);
    assert_eq!(server.requests_for(&path).len(), 2);
    worlds[1].assert_nothing_left_of_failures().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_another_process_can_be_cancelled() {
    let (server, folder) = (FaultServer::start(), testkit::data_dir());
    let (worlds, [mut maker, mut waiter], path) =
        maker_and_waiter(&server, folder.path(), ByteSize::gib(1)).await;
    waiter.cancel();
    assert_eq!(waiter.finished().await.unwrap_err().kind(), FailureKind::Cancelled);
    worlds[1].engine.shut_down().await;
    server.release();
    assert_eq!(maker.finished().await.unwrap().state, CacheState::Ready);
    assert_eq!(server.requests_for(&path).len(), 1);
    worlds[0].assert_nothing_left_of_failures().await;
}
