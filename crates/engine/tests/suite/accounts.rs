//! Accounts apart in one store: who may not pull a layer does not get it from there, and is not told that it is there.

use std::fs;
use std::sync::Arc;

use blobstore::{BlobStore as _, DirectoryStore};
use engine::{BuildProgress, CacheChoice, CacheUpdate, FailureKind, PredictRequest, StartWish};
use model::prediction::{Evidence, LayerPrediction};
use model::{AccountId, BlobKey, CacheState, EventReason, Instance, InstanceId, Platform, RegistryAccess};
use testkit::{Compression, FaultServer, Image, Layer, Reply};

use crate::service::{Ground, Service, app, image_of, request, request_of, server_with};
use crate::start::instance_of;
use crate::support::{blob_path, image, noise};

fn ours() -> AccountId {
    "ours".parse().unwrap()
}

fn theirs() -> AccountId {
    "theirs".parse().unwrap()
}

fn requests(server: &FaultServer, seed: &str) -> usize {
    server.requests_for(&blob_path(&image_of(seed).layers[0])).len()
}

/// An image whose config names that layer, and whose manifest names other bytes for it.
fn pretending(layer: &Layer) -> Image {
    let bytes = noise("other", 1000).blob;
    image([Layer::from_parts(layer.tar.clone(), bytes, Compression::Gzip)])
}

async fn predicted(service: &Service, account: &AccountId, image: &str) -> LayerPrediction {
    let request = PredictRequest {
        account: account.clone(),
        images: vec![image.parse().unwrap()],
        platform: Platform::linux_amd64(),
        access: RegistryAccess::default(),
        credentials: std::collections::BTreeMap::new(),
    };
    service.engine.predict(request).await.unwrap().images.remove(0).layers.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn to_name_a_layer_is_no_right_to_it() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    let own = service.built(request_of(&ours(), "web", &app(&server, "1"))).await;
    assert_eq!(own.state, CacheState::Ready);
    let lie = pretending(&image_of("1").layers[0]);
    server.serve_image("lie", "1", &lie);
    let source = format!("{}/lie:1", server.host());
    // The registry has other bytes under the layer's digest, and afterwards none.
    for name in ["other", "none"] {
        let cache = service.built(request_of(&theirs(), name, &source)).await;
        assert_eq!((cache.state, cache.snapshot), (CacheState::Failed, None), "{name}");
        assert_eq!(cache.failure.as_ref().unwrap().reason, "bad-image", "{name}");
        assert!(!service.has_event(&cache, EventReason::LayerReused).await, "{name}");
        let wish =
            StartWish::new(InstanceId::generate(), vec![source.parse().unwrap()], Platform::linux_amd64());
        let started = service.engine.choose_start(&theirs(), &wish, &BuildProgress::default()).await;
        assert_eq!(started.unwrap_err().kind(), FailureKind::BadImage, "{name}");
        server.always(&format!("/v2/lie/blobs/{}", lie.layers[0].digest), Reply::error(404, "BLOB_UNKNOWN"));
    }
    // Who owns the data directory may use what is in it.
    assert_eq!(service.built(request("web", &source)).await.state, CacheState::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_pull_a_layer_fetches_it_once_and_the_store_has_it_once() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    let source = app(&server, "1");
    service.built(request_of(&ours(), "web", &source)).await;
    let before = predicted(&service, &theirs(), &source).await;
    assert_eq!((before.is_here, before.evidence), (false, Evidence::GzipTrailer));
    let asked = requests(&server, "1");
    let cache = service.built(request_of(&theirs(), "web", &source)).await;
    assert_eq!(cache.state, CacheState::Ready, "{:?}", cache.failure);
    assert_eq!(requests(&server, "1"), asked + 1);
    assert!(service.has_event(&cache, EventReason::LayerCommitted).await);
    assert!(!service.has_event(&cache, EventReason::LayerReused).await);
    assert_eq!(service.ground.store.list_blobs(None, 10).await.unwrap().len(), 1);
    // From now on it is theirs as well.
    assert!(predicted(&service, &theirs(), &source).await.is_here);
    let again = service.built(request_of(&theirs(), "again", &source)).await;
    assert!(service.has_event(&again, EventReason::LayerReused).await);
    service.built(request("web", &source)).await;
    assert_eq!(requests(&server, "1"), asked + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_has_is_known_by_its_earlier_snapshots_and_its_instances_too() {
    let server = server_with(&["1", "2", "3"]);
    let mut service = Ground::in_memory(&server).service();
    service.built(request_of(&theirs(), "web", &app(&server, "1"))).await;
    let update =
        CacheUpdate { images: Some(vec![app(&server, "2").parse().unwrap()]), ..CacheUpdate::default() };
    service.engine.update_cache(&theirs(), "web", &update, None).await.unwrap();
    service.settle().await;
    let wish = StartWish {
        cache: CacheChoice::None,
        ..StartWish::new(
            InstanceId::generate(),
            vec![app(&server, "3").parse().unwrap()],
            Platform::linux_amd64(),
        )
    };
    let choice = service.engine.choose_start(&theirs(), &wish, &BuildProgress::default()).await.unwrap();
    let instance = Instance { account: theirs(), ..instance_of(&wish, &choice) };
    service.engine.record_instance(&instance, &choice).await.unwrap();
    choice.release().await;
    for (tag, account, times) in [("1", theirs(), 1), ("3", theirs(), 1), ("1", ours(), 2), ("3", ours(), 2)]
    {
        let cache = service.built(request_of(&account, "again", &app(&server, tag))).await;
        assert_eq!(cache.state, CacheState::Ready);
        assert_eq!(requests(&server, tag), times, "{tag} for {account}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_want_a_layer_at_once_fetch_it_each() {
    let server = server_with(&["1"]);
    let layer = image_of("1").layers[0].clone();
    server.always(&blob_path(&layer), Reply::blob(&layer.blob).held());
    let mut service = Ground::in_memory(&server).service();
    let mut caches = Vec::new();
    for account in [ours(), theirs()] {
        let new = request_of(&account, "web", &app(&server, "1"));
        caches.push(service.engine.request_cache(new).await.unwrap().into_cache());
    }
    service.reconcilers.pass_of("builds").await.unwrap();
    server.wait_for_requests(&blob_path(&layer), 2);
    server.release();
    service.settle().await;
    for cache in &caches {
        assert_eq!(service.cache(cache.id).await.state, CacheState::Ready);
        assert!(!service.has_event(cache, EventReason::LayerReused).await);
    }
    assert_eq!(service.ground.store.list_blobs(None, 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_blob_is_in_nobodys_way_and_not_told_of() {
    let (server, folder) = (server_with(&["1"]), testkit::data_dir());
    let store = Arc::new(DirectoryStore::open(folder.path().join("data")).unwrap());
    let mut service = Ground { store: store.clone(), ..Ground::in_memory(&server) }.service();
    service.built(request_of(&ours(), "web", &app(&server, "1"))).await;
    let key = BlobKey::Layer(image_of("1").layers[0].diff_id.parse().unwrap());
    let blob = store.local_path(&key).unwrap();
    let whole = fs::read(&blob).unwrap();
    fs::remove_file(&blob).unwrap();
    fs::write(&blob, "x").unwrap();
    let cache = service.built(request_of(&theirs(), "web", &app(&server, "1"))).await;
    assert_eq!(cache.state, CacheState::Ready, "{:?}", cache.failure);
    assert!(!service.has_event(&cache, EventReason::LayerDiscarded).await);
    assert_eq!(fs::read(&blob).unwrap(), whole);
}
