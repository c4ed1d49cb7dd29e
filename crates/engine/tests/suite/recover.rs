//! What others left, hold or broke: dead and distant processes, stopped ones, broken files, busy records.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use blobstore::{BlobStore, DirectoryStore, LeaseTerm, MemoryStore};
use engine::{BuildProgress, Settings, StartOutcome, StartWish};
use metastore::fault::{FaultMetastore, FaultPlan};
use metastore::verbs::*;
use metastore::{Admission, BuildPlan, MemoryMetastore, Metastore, NewBuild, ProcessIdentity};
use model::{
    BlobKey, BuildFailure, BuildId, ByteSize, CachePolicy, CacheState, Clock as _, DiffId, EventReason,
    ImageCache, ImageSnapshotId, InstanceId, NewImageCache, Origin, Platform, RegistryAccess, SystemClock,
};

use crate::support::{World, image, layout, local, new_cache, noise};

/// A cache whose build belongs to a process that is not to be seen here.
async fn build_of_a_distant_process(records: &dyn Metastore) -> (ImageCache, NewBuild) {
    let us = ProcessIdentity::current().unwrap();
    let now = SystemClock.now();
    let new = NewImageCache {
        account: local(),
        name: "web".parse().unwrap(),
        origin: Origin::Manual,
        images: vec!["oci:/nowhere".parse().unwrap()],
        platform: "linux/amd64".parse().unwrap(),
        size_limit: ByteSize::gib(1),
        policy: CachePolicy::default(),
        access: RegistryAccess::default(),
        notes: None,
    };
    let cache = ImageCache::asked_for(new, now);
    let build = NewBuild {
        id: BuildId::generate(),
        cache: cache.id,
        snapshot: ImageSnapshotId::generate(),
        plan: BuildPlan { images: cache.images.clone(), size_limit: cache.size_limit },
        owner: Some(ProcessIdentity { start_ticks: us.start_ticks + 1, ..us }),
        now,
    };
    let cache = records.create_cache(&cache, &build, &Admission::default(), &[]).await.unwrap().into_cache();
    (cache, build)
}

#[tokio::test]
async fn a_build_whose_process_is_not_seen_here_lives_while_its_lease_holds() {
    let (store, records) = (Arc::new(MemoryStore::default()), Arc::new(MemoryMetastore::default()));
    let world = World::of(store.clone(), records.clone(), None);
    let (cache, build) = build_of_a_distant_process(&*records).await;
    let lease = store.lease(&format!("build {}", build.id), &[], LeaseTerm::Held).await.unwrap();
    assert!(!world.engine.list_caches(&local()).await.unwrap()[0].interrupted);
    world.engine.fail_interrupted().await.unwrap();
    assert_eq!(records.cache(cache.id).await.unwrap().state, CacheState::Creating);
    lease.release().await.unwrap();
    assert!(world.engine.list_caches(&local()).await.unwrap()[0].interrupted);
    world.engine.fail_interrupted().await.unwrap();
    assert_eq!(records.cache(cache.id).await.unwrap().state, CacheState::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_busy_for_a_while_fail_no_build() {
    let folder = testkit::data_dir();
    let source = layout(folder.path(), "image", &image([noise("a", 30_000)]));
    let mut busy_at_the_end = 0;
    for call in 0.. {
        let plan = FaultPlan { call, is_done: false, kind: metastore::ErrorKind::Busy };
        let records = Arc::new(FaultMetastore::new(MemoryMetastore::default(), Some(plan)));
        let world = World::of(Arc::new(MemoryStore::default()), records.clone(), None);
        // Until the build runs, who creates the cache is told and tries again.
        if let Ok(mut build) = world.engine.create_cache(new_cache("web", &source, ByteSize::gib(1))).await {
            let built = build.finished().await.unwrap_or_else(|error| panic!("{plan:?}: {error}"));
            assert_eq!(built.state, CacheState::Ready);
            busy_at_the_end += 1;
        }
        if records.calls() <= call {
            break;
        }
    }
    assert!(busy_at_the_end > 3, "{busy_at_the_end}");
}

#[tokio::test]
async fn a_build_that_others_ended_leaves_no_document() {
    let folder = testkit::data_dir();
    let source = layout(folder.path(), "image", &image([noise("a", 30_000)]));
    let (store, records) = (Arc::new(MemoryStore::default()), Arc::new(MemoryMetastore::default()));
    let world = World::of(store.clone(), records.clone(), None);
    let mut handle = world.engine.create_cache(new_cache("web", &source, ByteSize::gib(1))).await.unwrap();
    // It has not begun: this runtime has one thread, and records in memory never wait.
    let running = records.running_builds(metastore::Page::first()).await.unwrap();
    let build = &running[0];
    let failure = BuildFailure { reason: "test".into(), message: "ended by another".into() };
    records
        .fail_build(build.id, build.owner.as_ref().unwrap(), &failure, &[], SystemClock.now())
        .await
        .unwrap();
    handle.finished().await.unwrap_err();
    assert_eq!(store.list_snapshots(None, 10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_broken_in_the_store_is_made_again() {
    let folder = testkit::data_dir();
    let layers = [noise("a", 30_000), noise("b", 10_000)];
    let source = layout(folder.path(), "image", &image(layers.clone()));
    let world = World::on_disk(folder.path(), None).await;
    let first = world.create(new_cache("web", &source, ByteSize::gib(1))).await.unwrap();
    let diff_id: DiffId = layers[0].diff_id.parse().unwrap();
    let blob = world.store.local_path(&BlobKey::Layer(diff_id)).unwrap();
    let whole = fs::read(&blob).unwrap();
    for broken in [blob.clone(), blob.with_extension("json")] {
        fs::remove_file(&broken).unwrap();
        fs::write(&broken, "x").unwrap();
        let again = world.create(new_cache("again", &source, ByteSize::gib(1))).await.unwrap();
        assert!(world.reasons(&again).await.contains(&EventReason::LayerDiscarded));
        assert_eq!(fs::read(&blob).unwrap(), whole);
    }
    assert!(!world.reasons(&first).await.contains(&EventReason::LayerDiscarded));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_fetches_a_broken_blob_again() {
    let folder = testkit::data_dir();
    let layers = [noise("a", 30_000), noise("b", 10_000)];
    let source = layout(folder.path(), "image", &image(layers.clone()));
    let world = World::on_disk(folder.path(), None).await;
    world.create(new_cache("web", &source, ByteSize::gib(1))).await.unwrap();
    let blob = world.store.local_path(&BlobKey::Layer(layers[0].diff_id.parse().unwrap())).unwrap();
    let whole = fs::read(&blob).unwrap();
    fs::remove_file(&blob).unwrap();
    fs::write(&blob, "x").unwrap();
    let wish = StartWish::new(InstanceId::generate(), vec![source.parse().unwrap()], Platform::linux_amd64());
    let start = async || world.engine.choose_start(&local(), &wish, &BuildProgress::default()).await.unwrap();
    assert_eq!(start().await.outcome, StartOutcome::PartlyHit);
    assert_eq!(fs::read(&blob).unwrap(), whole);
    assert_eq!(start().await.outcome, StartOutcome::Hit);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_owner_gives_no_sign_of_life_is_not_waited_for_for_ever() {
    let folder = testkit::data_dir();
    let layer = noise("a", 30_000);
    let source = layout(folder.path(), "image", &image([layer.clone()]));
    let store = Arc::new(DirectoryStore::open(folder.path().join("data")).unwrap());
    let settings = Settings { claim_patience: Duration::from_millis(200), ..Settings::default() };
    let world = World::under(store.clone(), Arc::new(MemoryMetastore::default()), None, settings);
    let key = BlobKey::Layer(layer.diff_id.parse().unwrap());
    let claim = store.claim(&key).await.unwrap().expect("nobody has it");
    let cache = world.create(new_cache("web", &source, ByteSize::gib(1))).await.unwrap();
    assert_eq!(cache.state, CacheState::Ready);
    let events = world.engine.events(&local(), model::Subject::Cache(cache.id)).await.unwrap();
    assert!(events.iter().any(|event| event.message.contains("gave no sign of life")), "{events:#?}");
    drop(claim);
    world.assert_nothing_left_of_failures().await;
}
