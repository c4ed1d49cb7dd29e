//! Equal layers are fetched once for any number of builds.

use engine::{FailureKind, LayerPhase};
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
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
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
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
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
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    first.cancel();
    assert_eq!(first.finished().await.unwrap_err().kind(), FailureKind::Cancelled);
    server.release();
    assert_eq!(second.finished().await.unwrap().state, CacheState::Ready);
    assert_eq!(server.requests_for(&path).len(), 1);
    world.assert_nothing_left_of_failures().await;
}
