//! Sizes before a build and after it, and matching over what is recorded.

use std::collections::BTreeMap;

use engine::{MatchQuestion, PredictRequest};
use model::matching::{ImageMatch, MatchCondition, MatchPolicy};
use model::prediction::{Evidence, Prediction};
use model::{ByteSize, ImageSource, Platform, RegistryAccess};
use testkit::FaultServer;

use crate::support::{World, blob_path, image, local, new_cache, noise};

async fn predict(world: &World, images: &[String]) -> Prediction {
    let request = PredictRequest {
        account: local(),
        images: images.iter().map(|image| image.parse().unwrap()).collect(),
        platform: Platform::linux_amd64(),
        access: RegistryAccess::default(),
        credentials: BTreeMap::new(),
    };
    world.engine.predict(request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prediction_is_a_guess_before_and_a_fact_after() {
    let server = FaultServer::start();
    let layers = [noise("shared", 300_000), noise("own", 50_000)];
    server.serve_image("app", "1", &image(layers.clone()));
    let world = World::in_memory(Some(&server));
    let source = [format!("{}/app:1", server.host())];
    let before = predict(&world, &source).await;
    assert_eq!((before.totals.here, before.totals.to_fetch), (ByteSize::ZERO, before.totals.compressed));
    let seen = &before.images[0].layers;
    assert!(seen.iter().all(|layer| layer.evidence == Evidence::GzipTrailer && !layer.is_here), "{seen:?}");
    for layer in &layers {
        assert!(server.requests_for(&blob_path(layer)).iter().all(|asked| asked.range().is_some()));
    }
    world.create(new_cache("web", &source[0], ByteSize::gib(1))).await.unwrap();
    let asked = server.requests_for(&blob_path(&layers[0])).len();
    let after = predict(&world, &source).await;
    assert_eq!((after.totals.to_fetch, after.totals.here), (ByteSize::ZERO, after.totals.compressed));
    assert!(after.totals.unpacked.is_exact());
    assert_eq!(server.requests_for(&blob_path(&layers[0])).len(), asked);
    let (low, high) = (before.totals.unpacked.low(), before.totals.unpacked.high());
    let fact = after.totals.unpacked.likely();
    assert!(low <= fact && fact <= high, "{} is not in {}", fact, before.totals.unpacked);
    assert_eq!(after.suggested_size_gib, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shared_and_what_deleting_frees_is_told_of_each_cache() {
    let server = FaultServer::start();
    let (shared, first, second) = (noise("shared", 300_000), noise("first", 50_000), noise("second", 70_000));
    server.serve_image("app", "1", &image([shared.clone(), first]));
    server.serve_image("app", "2", &image([shared, second]));
    let world = World::in_memory(Some(&server));
    let cache = async |name: &str, tag: &str| {
        let source = format!("{}/app:{tag}", server.host());
        world.create(new_cache(name, &source, ByteSize::gib(1))).await.unwrap()
    };
    let one = cache("one", "1").await;
    let alone = world.engine.sizes_of(&one).await.unwrap();
    assert_eq!(alone.shared, ByteSize::ZERO);
    let two = cache("two", "2").await;
    let beside = world.engine.sizes_of(&one).await.unwrap();
    assert_eq!(beside.unpacked(), alone.unpacked());
    assert!(beside.exclusive.as_u64() < 100_000 && beside.shared.as_u64() > 300_000, "{beside:?}");
    world.engine.delete_cache(&local(), &two.id.to_string(), engine::DeleteMode::Refuse).await.unwrap();
    assert_eq!(world.engine.sizes_of(&one).await.unwrap(), alone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_follows_the_records_and_keeps_accounts_apart() {
    let server = FaultServer::start();
    let (shared, first, second) = (noise("shared", 300_000), noise("first", 50_000), noise("second", 70_000));
    server.serve_image("app", "1", &image([shared.clone(), first]));
    server.serve_image("app", "2", &image([shared, second]));
    let mut server = server;
    let world = World::in_memory(Some(&server));
    let source = |tag: &str| format!("{}/app:{tag}", server.host());
    let (one, two): (String, ImageSource) = (source("1"), source("2").parse().unwrap());
    let question = MatchQuestion {
        images: vec![two],
        platform: Platform::linux_amd64(),
        policy: MatchPolicy::Content,
        condition: MatchCondition::Any,
        space: None,
        limit: 10,
        registries: Some((RegistryAccess::default(), BTreeMap::new())),
    };
    let empty = world.engine.explain_match(&local(), &question).await.unwrap();
    assert_eq!(empty.ranking.taken_in_all, 0);
    let cache = world.create(new_cache("web", &one, ByteSize::gib(1))).await.unwrap();
    let answer = world.engine.explain_match(&local(), &question).await.unwrap();
    let [taken] = answer.ranking.taken.as_slice() else { panic!("{answer:?}") };
    assert!(taken.id == cache.id && matches!(taken.images[0], ImageMatch::Layers { .. }), "{taken:?}");
    let theirs = world.engine.explain_match(&"theirs".parse().unwrap(), &question).await.unwrap();
    assert_eq!((theirs.ranking.taken_in_all, theirs.ranking.nothing_in_common), (0, 0));
    // With the registry off it goes by name, and says so.
    server.stop();
    let tencent = MatchQuestion { policy: MatchPolicy::Tencent, ..question };
    let named = world.engine.explain_match(&local(), &tencent).await.unwrap();
    assert_eq!((named.ranking.taken_in_all, named.by_name_only.len()), (1, 1));
    world.engine.delete_cache(&local(), "web", engine::DeleteMode::Refuse).await.unwrap();
    let gone = world.engine.explain_match(&local(), &tencent).await.unwrap();
    assert_eq!(gone.ranking.taken_in_all, 0);
}
