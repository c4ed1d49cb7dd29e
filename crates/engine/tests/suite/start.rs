//! What an instance starts from, and what is fetched for it.

use std::num::NonZeroU32;
use std::sync::Arc;

use blobstore::MemoryStore;
use engine::{
    BuildProgress, CacheChoice, CacheUpdate, Error, FailureKind, NewCacheRequest, StalenessWish, StartChoice,
    StartOutcome, StartWish,
};
use metastore::verbs::*;
use metastore::{CacheFilter, MemoryMetastore, Page};
use model::matching::MatchCondition;
use model::{
    ByteSize, CacheState, EventReason, ExitStatus, ImageCache, ImageSource, Instance, InstanceId,
    InstanceState, ManifestDigest, Origin, Platform, Subject, Timestamp,
};
use registry::Credentials;
use testkit::{FaultServer, Layer};

use crate::service::{Ground, app, image_of, server_with};
use crate::support::{World, blob_path, image, local, new_cache, noise};

/// A server with `app:1` and `app:2`, which share a layer, and `other:1`.
struct Scene {
    server: FaultServer,
    world: World,
    records: Arc<MemoryMetastore>,
    shared: Layer,
    second: Layer,
}

impl Scene {
    fn new() -> Self {
        let server = FaultServer::start();
        let (shared, first, second) =
            (noise("shared", 200_000), noise("first", 20_000), noise("second", 30_000));
        server.serve_image("app", "1", &image([shared.clone(), first]));
        server.serve_image("app", "2", &image([shared.clone(), second.clone()]));
        server.serve_image("other", "1", &image([noise("other", 10_000)]));
        let records = Arc::new(MemoryMetastore::default());
        let world = World::of(Arc::new(MemoryStore::default()), Arc::clone(&records) as _, Some(&server));
        Self { server, world, records, shared, second }
    }

    fn source(&self, image: &str) -> ImageSource {
        format!("{}/{image}", self.server.host()).parse().unwrap()
    }

    async fn cache(&self, name: &str, images: &[&str]) -> ImageCache {
        let images = images.iter().map(|image| self.source(image)).collect();
        let new = NewCacheRequest::new(local(), name.parse().unwrap(), images, Platform::linux_amd64());
        self.world.create(new).await.unwrap()
    }

    fn wish(&self, images: &[&str]) -> StartWish {
        let images = images.iter().map(|image| self.source(image)).collect();
        StartWish::new(InstanceId::generate(), images, Platform::linux_amd64())
    }

    async fn choose(&self, wish: &StartWish) -> Result<StartChoice, Error> {
        self.world.engine.choose_start(&local(), wish, &BuildProgress::default()).await
    }

    /// Records the instance as a start does, automatic cache and all.
    async fn start(&self, wish: &StartWish) -> (Instance, StartChoice) {
        let choice = self.choose(wish).await.unwrap();
        let instance = instance_of(wish, &choice);
        let engine = &self.world.engine;
        engine.record_instance(&instance, &choice).await.unwrap();
        engine.note_start(&choice).await;
        engine.create_automatic_cache(&local(), Subject::Instance(instance.id), None, &choice).await;
        choice.release().await;
        (instance, choice)
    }

    async fn end(&self, instance: &Instance) {
        let now = instance.created;
        self.records.instance_exited(instance.id, ExitStatus::Code(0), &[], now).await.unwrap();
        let removal = self.records.remove_instance(instance.id, &[]).await.unwrap();
        if let Some(snapshot) = removal.released {
            self.world.store.delete_snapshot(snapshot).await.unwrap();
        }
    }

    async fn reasons(&self, subject: Subject) -> Vec<EventReason> {
        let events = self.world.engine.events(&local(), subject).await.unwrap();
        events.iter().map(|event| event.reason).collect()
    }

    async fn automatic_caches(&self) -> Vec<ImageCache> {
        let filter = CacheFilter { origin: Some(Origin::Automatic), ..CacheFilter::default() };
        self.records.find_caches(&filter, Page::first()).await.unwrap()
    }

    fn downloads(&self, layer: &Layer) -> usize {
        self.server.requests_for(&blob_path(layer)).len()
    }
}

pub(crate) fn instance_of(wish: &StartWish, choice: &StartChoice) -> Instance {
    Instance {
        id: wish.instance,
        name: format!("i-{}", &wish.instance.to_string()[30..]).parse().unwrap(),
        account: local(),
        image: choice.images[0].source.clone(),
        manifest_digest: choice.images[0].manifest_digest,
        snapshot: choice.snapshot,
        cache: choice.cache.as_ref().map(|cache| cache.id),
        group: None,
        command: Vec::new(),
        state: InstanceState::Creating,
        pid: None,
        remove_on_exit: false,
        created: Timestamp::from_micros(1_700_000_000_000_000),
        started: None,
        finished: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_asks_no_registry_and_is_noted() {
    let scene = Scene::new();
    let cache = scene.cache("web", &["app:1"]).await;
    let asked = scene.server.requests().len();
    let (instance, choice) = scene.start(&scene.wish(&["app:1"])).await;
    assert_eq!((choice.outcome, choice.snapshot), (StartOutcome::Hit, cache.snapshot.unwrap()));
    assert_eq!((scene.server.requests().len(), choice.fetched), (asked, ByteSize::ZERO));
    let reasons = scene.reasons(Subject::Instance(instance.id)).await;
    assert_eq!(reasons, [EventReason::ServedPinned, EventReason::CacheHit]);
    let noted = scene.records.cache(cache.id).await.unwrap();
    assert!(noted.last_used.is_some() && noted.savings.starts == 1);
    assert!(noted.savings.fetched_bytes.as_u64() > 220_000, "{:?}", noted.savings);
    assert!(scene.automatic_caches().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_another_tag_only_missing_layers_are_fetched_and_they_go_with_the_instance() {
    let scene = Scene::new();
    let cache = scene.cache("web", &["app:1"]).await;
    let before = scene.world.blobs().await.len();
    let wish = StartWish { policy: model::matching::MatchPolicy::Tencent, ..scene.wish(&["app:2"]) };
    // Chosen without an automatic cache beside, which would keep the layer.
    let choice = scene.choose(&wish).await.unwrap();
    assert_eq!(
        (choice.outcome, choice.cache.as_ref().map(|c| c.id)),
        (StartOutcome::PartlyHit, Some(cache.id))
    );
    assert_eq!((scene.downloads(&scene.shared), scene.downloads(&scene.second)), (1, 1));
    assert_eq!(choice.fetched.as_u64(), scene.second.blob.len() as u64);
    assert_eq!(choice.saved.fetched_bytes.as_u64(), scene.shared.blob.len() as u64);
    let instance = instance_of(&wish, &choice);
    scene.world.engine.record_instance(&instance, &choice).await.unwrap();
    choice.release().await;
    let collect = || scene.world.engine.collect(Arc::new(std::collections::BTreeSet::new()));
    collect().await.unwrap();
    assert_eq!(scene.world.blobs().await.len(), before + 1, "the instance's record keeps its layer");
    scene.end(&instance).await;
    collect().await.unwrap();
    assert_eq!(scene.world.blobs().await.len(), before);
    assert!(scene.reasons(Subject::Cache(cache.id)).await.contains(&EventReason::CachePartlyHit));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miss_makes_one_automatic_cache_and_the_next_start_hits_it() {
    let scene = Scene::new();
    let (instance, choice) = scene.start(&scene.wish(&["app:1"])).await;
    assert_eq!((choice.outcome, choice.cache.is_none()), (StartOutcome::Miss, true));
    let made = scene.automatic_caches().await;
    let [cache] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!(cache.name.as_str(), format!("auto-create-for-{}", instance.id));
    assert_eq!((cache.state, cache.size_limit), (CacheState::Ready, ByteSize::gib(30)));
    let reasons = scene.reasons(Subject::Instance(instance.id)).await;
    assert_eq!(reasons, [EventReason::ServedPinned, EventReason::CacheMiss, EventReason::AutoCreated]);
    assert!(scene.reasons(Subject::Cache(cache.id)).await.contains(&EventReason::AutoCreated));
    let asked = scene.server.requests().len();
    let (_, second) = scene.start(&scene.wish(&["app:1"])).await;
    assert_eq!((second.outcome, second.cache.map(|c| c.id)), (StartOutcome::Hit, Some(cache.id)));
    assert_eq!(scene.server.requests().len(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_miss_at_once_there_is_one_automatic_cache_and_one_fetch() {
    let scene = Arc::new(Scene::new());
    let mut starts = tokio::task::JoinSet::new();
    for number in 0..8 {
        let scene = Arc::clone(&scene);
        // The order of the images is no difference.
        let images = if number % 2 == 0 { ["app:1", "other:1"] } else { ["other:1", "app:1"] };
        starts.spawn(async move { scene.start(&scene.wish(&images)).await.1.outcome });
    }
    starts.join_all().await;
    let made = scene.automatic_caches().await;
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(scene.downloads(&scene.shared), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_is_not_fulfilled_is_a_miss() {
    let scene = Scene::new();
    scene.cache("web", &["app:1"]).await;
    let perfect = StartWish { condition: MatchCondition::Perfect, ..scene.wish(&["app:1", "other:1"]) };
    assert_eq!(scene.choose(&perfect).await.unwrap().outcome, StartOutcome::Miss);
    let two = NonZeroU32::new(2).unwrap();
    let both = StartWish { condition: MatchCondition::AtLeast(two), ..perfect.clone() };
    assert_eq!(scene.choose(&both).await.unwrap().outcome, StartOutcome::Miss);
    let one = StartWish { condition: MatchCondition::AtLeast(NonZeroU32::MIN), ..perfect };
    assert_eq!(scene.choose(&one).await.unwrap().outcome, StartOutcome::PartlyHit);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_layers_under_another_name_are_a_hit_by_content() {
    let scene = Scene::new();
    scene.server.serve_image("copy", "1", &image([scene.shared.clone(), scene.second.clone()]));
    let cache = scene.cache("web", &["app:2"]).await;
    let choice = scene.choose(&scene.wish(&["copy:1"])).await.unwrap();
    assert_eq!((choice.outcome, choice.cache.map(|c| c.id)), (StartOutcome::Hit, Some(cache.id)));
    assert_eq!(choice.fetched, ByteSize::ZERO);
    assert!(choice.own.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_was_said_is_used_as_it_is_or_refused_with_its_state() {
    let scene = Scene::new();
    let cache = scene.cache("web", &["app:1"]).await;
    let only = |word: &str| CacheChoice::Only(word.to_owned());
    // Without the image: it is fetched, and no automatic cache is made.
    let wish = StartWish { cache: only("web"), ..scene.wish(&["other:1"]) };
    let (_, choice) = scene.start(&wish).await;
    assert_eq!((choice.outcome, choice.cache.map(|c| c.id)), (StartOutcome::PartlyHit, Some(cache.id)));
    assert!(scene.automatic_caches().await.is_empty());
    // Without a word about images: its only one.
    let wish = StartWish { cache: only(&cache.id.to_string()), ..scene.wish(&[]) };
    assert_eq!(scene.choose(&wish).await.unwrap().outcome, StartOutcome::Hit);
    let unknown = StartWish { cache: only("nosuch"), ..scene.wish(&["app:1"]) };
    assert!(matches!(scene.choose(&unknown).await, Err(Error::UnknownCache { .. })));
    let failing = new_cache("failing", &format!("{}/none:1", scene.server.host()), ByteSize::gib(1));
    scene.world.create(failing).await.unwrap_err();
    let failed = StartWish { cache: only("failing"), ..scene.wish(&["app:1"]) };
    let error = scene.choose(&failed).await.unwrap_err();
    assert!(matches!(error, Error::NotUsable { state: CacheState::Failed, .. }), "{error}");
    // An instance is started from it, so that it is not gone at once.
    let held = StartWish { cache: only("web"), ..scene.wish(&["app:1"]) };
    let _held = scene.start(&held).await;
    scene.world.engine.delete_cache(&local(), "web", engine::DeleteMode::WhenUnused).await.unwrap();
    let error = scene.choose(&held).await.unwrap_err().to_string();
    assert!(error.ends_with("it is being deleted"), "{error}");
    let none = StartWish { cache: CacheChoice::None, ..scene.wish(&["app:1"]) };
    let (_, choice) = scene.start(&none).await;
    assert_eq!((choice.outcome, choice.fetched), (StartOutcome::Miss, ByteSize::ZERO));
    assert!(scene.automatic_caches().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_wants_the_registrys_word_and_fetches_what_has_moved() {
    let mut scene = Scene::new();
    let cache = scene.cache("web", &["app:1"]).await;
    let pinned = scene.records.cache(cache.id).await.unwrap();
    let strict = StartWish { staleness: Some(StalenessWish::Strict), ..scene.wish(&["app:1"]) };
    let same = scene.choose(&strict).await.unwrap();
    assert_eq!((same.outcome, same.snapshot), (StartOutcome::Hit, pinned.snapshot.unwrap()));
    // The tag moves: what `app:2` was is `app:1` now.
    let moved = image([scene.shared.clone(), scene.second.clone()]);
    scene.server.serve_image("app", "1", &moved);
    let choice = scene.choose(&strict).await.unwrap();
    let digest = ManifestDigest::new(moved.digest().parse().unwrap());
    assert_eq!((choice.outcome, choice.images[0].manifest_digest), (StartOutcome::PartlyHit, digest));
    assert_eq!(scene.downloads(&scene.shared), 1);
    let perfect = StartWish { condition: MatchCondition::Perfect, ..strict.clone() };
    assert_eq!(scene.choose(&perfect).await.unwrap().outcome, StartOutcome::Miss);
    assert_eq!(scene.choose(&scene.wish(&["app:1"])).await.unwrap().outcome, StartOutcome::Hit);
    // The registry goes: pinned starts, strict does not.
    scene.server.stop();
    assert_eq!(scene.choose(&scene.wish(&["app:1"])).await.unwrap().outcome, StartOutcome::Hit);
    let refused = scene.choose(&strict).await.unwrap_err();
    assert_eq!(refused.kind(), FailureKind::Unavailable);
    assert!(refused.to_string().contains("the rule strict wants"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_asks_with_the_credentials_of_the_start() {
    let scene = Scene::new();
    scene.cache("web", &["app:1"]).await;
    scene.server.require("Basic dTpw", "Basic realm=\"r\"");
    let mut strict = StartWish { staleness: Some(StalenessWish::Strict), ..scene.wish(&["app:1"]) };
    assert_eq!(scene.choose(&strict).await.unwrap_err().kind(), FailureKind::Unauthorized);
    strict.credentials.insert(scene.server.host().parse().unwrap(), Credentials::basic("u", "p"));
    assert_eq!(scene.choose(&strict).await.unwrap().outcome, StartOutcome::Hit);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automatic_cache_speaks_to_registries_as_its_start_did() {
    let server = server_with(&["1"]);
    server.require("Basic dTpw", "Basic realm=\"r\"");
    let mut service = Ground { plain_http: Vec::new(), ..Ground::in_memory(&server) }.service();
    let images = vec![app(&server, "1").parse().unwrap()];
    let mut wish = StartWish::new(InstanceId::generate(), images, Platform::linux_amd64());
    let host: model::RegistryHost = server.host().parse().unwrap();
    wish.access.plain_http.insert(host.clone());
    wish.credentials.insert(host, Credentials::basic("u", "p"));
    let engine = service.engine.clone();
    let choice = engine.choose_start(&local(), &wish, &BuildProgress::default()).await.unwrap();
    engine.record_instance(&instance_of(&wish, &choice), &choice).await.unwrap();
    let made = engine
        .create_automatic_cache(&local(), Subject::Instance(wish.instance), None, &choice)
        .await
        .unwrap();
    choice.release().await;
    assert_eq!(made.access, wish.access);
    // Its images are built anew without a word about how.
    server.serve_image("app", "1", &image_of("moved"));
    let update = CacheUpdate { images: Some(made.images.clone()), ..CacheUpdate::default() };
    engine.update_cache(&local(), &made.id.to_string(), &update, None).await.unwrap();
    service.settle().await;
    let anew = service.cache(made.id).await;
    assert_eq!((anew.state, anew.snapshot == made.snapshot), (CacheState::Ready, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_account_starts_from_anothers_cache() {
    let scene = Scene::new();
    scene.cache("web", &["app:1"]).await;
    let theirs = "theirs".parse().unwrap();
    let choice = scene
        .world
        .engine
        .choose_start(&theirs, &scene.wish(&["app:1"]), &BuildProgress::default())
        .await
        .unwrap();
    assert_eq!((choice.outcome, choice.cache.is_none()), (StartOutcome::Miss, true));
    let file = StartWish { images: vec!["oci:/etc".parse().unwrap()], ..scene.wish(&[]) };
    let refused = scene.world.engine.choose_start(&theirs, &file, &BuildProgress::default()).await;
    assert!(matches!(refused, Err(Error::ForeignFile { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_fails_and_leaves_nothing() {
    let scene = Scene::new();
    scene.choose(&scene.wish(&["none:1"])).await.unwrap_err();
    assert!(matches!(scene.choose(&scene.wish(&[])).await, Err(Error::NoImage)));
    let small = StartWish { space: Some(ByteSize::bytes(1000)), ..scene.wish(&["app:1"]) };
    assert_eq!(scene.choose(&small).await.unwrap_err().kind(), FailureKind::SizeTooSmall);
    assert!(scene.automatic_caches().await.is_empty());
    scene.world.engine.shut_down().await;
    scene.world.assert_nothing_left_of_failures().await;
}
