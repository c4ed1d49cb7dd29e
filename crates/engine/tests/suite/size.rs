//! The size of a cache holds for all its layers together, byte by byte.

use engine::{BuildError, FailureKind};
use model::{ByteSize, CacheState};
use testkit::{Compression, FaultServer, Layer, LayerBuilder, Reply};

use crate::support::{World, blob_path, image, layout, local, new_cache, noise};

/// What a layer counts: the larger of its tar and its blob.
async fn counted(layer: &Layer) -> u64 {
    let folder = testkit::data_dir();
    let world = World::in_memory(None);
    let source = layout(folder.path(), "image", &image([layer.clone()]));
    let cache = world.create(new_cache("alone", &source, ByteSize::gib(1))).await.unwrap();
    cache.unpacked_size.unwrap().as_u64().max(layer.tar.len() as u64)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exact_size_fits_and_one_byte_less_does_not() {
    let folder = testkit::data_dir();
    let tiny = LayerBuilder::new().file("tiny", "x").build(Compression::None);
    let layers = [noise("a", 150_000), noise("b", 90_000), tiny];
    let mut sum = 0;
    for layer in &layers {
        sum += counted(layer).await;
    }
    let source = layout(folder.path(), "image", &image(layers));
    for _ in 0..5 {
        let world = World::on_disk(folder.path(), None).await;
        let small = world.create(new_cache("small", &source, ByteSize::bytes(sum - 1))).await.unwrap_err();
        assert_eq!(small.kind(), FailureKind::SizeTooSmall, "{small:?}");
        // Layers beside the one that was too large are on their way out.
        world.engine.shut_down().await;
        world.assert_nothing_left_of_failures().await;
        let world = World::on_disk(folder.path(), None).await;
        let exact = world.create(new_cache("exact", &source, ByteSize::bytes(sum))).await.unwrap();
        assert_eq!(exact.state, CacheState::Ready);
        // The same holds where all layers are there already.
        let small = world.create(new_cache("small", &source, ByteSize::bytes(sum - 1))).await.unwrap_err();
        assert_eq!(small.kind(), FailureKind::SizeTooSmall);
        world.create(new_cache("exact", &source, ByteSize::bytes(sum))).await.unwrap();
        world.engine.shut_down().await;
        std::fs::remove_dir_all(folder.path().join("data")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_layers_at_once_share_one_budget_and_the_event_names_the_one_that_went_beyond() {
    let server = FaultServer::start();
    let (first, second) = (noise("first", 400_000), noise("second", 400_000));
    let image = image([first.clone(), second.clone()]);
    server.serve_image("app", "1", &image);
    // Both stop in the middle of what they have, with less than the limit taken by each alone.
    let part = |layer: &Layer| Reply::blob(&layer.blob).hang_after(300_000);
    server.always(&blob_path(&first), part(&first));
    server.always(&blob_path(&second), part(&second));
    let world = World::in_memory(Some(&server));
    let new = new_cache("web", &format!("{}/app:1", server.host()), ByteSize::bytes(500_000));
    // Neither layer ends, and neither alone is too large: only the sum of what streams can fail it.
    let error = world.create(new).await.unwrap_err();
    let BuildError::SizeExceeded { digest, limit, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*limit, ByteSize::bytes(500_000));
    assert!([&first.digest, &second.digest].contains(&&digest.to_string()));
    let cache = world.engine.list_caches(&local()).await.unwrap().remove(0).cache;
    let events = world.engine.events(&local(), model::Subject::Cache(cache.id)).await.unwrap();
    assert!(events.last().unwrap().message.contains(&digest.to_string()), "{events:?}");
    world.engine.shut_down().await;
    world.assert_nothing_left_of_failures().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_waits_for_anothers_layer_fails_by_its_own_size_at_once() {
    let server = FaultServer::start();
    let layer = noise("big", 400_000);
    server.serve_image("app", "1", &image([layer.clone()]));
    let path = blob_path(&layer);
    server.always(&path, Reply::blob(&layer.blob).hang_after(350_000));
    let world = World::in_memory(Some(&server));
    let source = format!("{}/app:1", server.host());
    let large = world.engine.create_cache(new_cache("large", &source, ByteSize::gib(1))).await.unwrap();
    while large.progress.layers().first().is_none_or(|layer| layer.fetched.as_u64() < 200_000) {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let small = world.create(new_cache("small", &source, ByteSize::bytes(100_000))).await.unwrap_err();
    assert_eq!(small.kind(), FailureKind::SizeTooSmall);
    assert_eq!(server.requests_for(&path).len(), 1);
    world.engine.shut_down().await;
}
