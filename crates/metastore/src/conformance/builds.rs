use model::{
    BlobDigest, BuildFailure, BuildId, ByteSize, CacheState, DiffId, Digest, EventReason, ImageSnapshotId,
    Percent, Subject,
};

use super::{
    at, build_again, build_of, cache_named, create, create_running, create_waiting, event, fail, failure,
    finish, instance_of, process, ready_cache, snapshot_of, whole,
};
use crate::{
    BuildState, CacheEdit, Error, LayerRecord, Metastore, NewBuild, Page, SnapshotRecord,
    claim_interrupted_builds,
};

pub async fn first_build_steps(store: &dyn Metastore) {
    let cache = cache_named("web", at(0));
    let build = build_of(&cache, &process(7), at(1));
    let creating = create(store, &cache, &build, &[]).await.unwrap();
    assert_eq!((creating.state, creating.updated), (CacheState::Creating, at(1)));
    assert_eq!(creating.progress, Percent::ZERO);
    assert_eq!(store.cache(cache.id).await.unwrap(), creating);
    let recorded = store.build(build.id).await.unwrap();
    assert_eq!(store.build_of_cache(cache.id).await.unwrap().as_ref(), Some(&recorded));
    assert_eq!((&recorded.account, &recorded.plan), (&cache.account, &build.plan));
    assert_eq!((recorded.queued, recorded.started, recorded.beat), (at(1), Some(at(1)), at(1)));
    assert_eq!(
        (recorded.state, recorded.attempts, &recorded.owner),
        (BuildState::Running, 1, &Some(process(7)))
    );
    let snapshot = snapshot_of(&build, at(2));
    let change = store
        .finish_build(build.id, &process(7), &snapshot, whole(), Some(at(90)), &[], at(2))
        .await
        .unwrap();
    assert_eq!((change.released, change.cache.generations.len()), (Vec::new(), 0));
    assert_eq!((change.cache.copies, change.cache.progress), (whole(), Percent::ALL));
    assert_eq!(store.build_of_cache(cache.id).await.unwrap(), None);
    assert_eq!(change.cache.state, CacheState::Ready);
    assert_eq!(change.cache.snapshot, Some(build.snapshot));
    assert_eq!(change.cache.unpacked_size, Some(snapshot.size));
    assert_eq!(store.cache(cache.id).await.unwrap(), change.cache);
    assert_eq!(store.snapshot(build.snapshot).await.unwrap(), Some(snapshot));
    let recorded = store.build(build.id).await.unwrap();
    assert_eq!((recorded.state, recorded.finished), (BuildState::Succeeded, Some(at(2))));
    assert_eq!(store.running_builds(Page::first()).await.unwrap(), []);
}

pub async fn one_build_at_a_time(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let first = build_of(&cache, &process(1), at(1));
    store.begin_build(&first, &[]).await.unwrap();
    let error = store.begin_build(&build_of(&cache, &process(2), at(1)), &[]).await.unwrap_err();
    assert!(matches!(error, Error::CacheBuilding { build, .. } if build == first.id), "{error:?}");
    fail(store, &first, at(2)).await.unwrap();
    store.begin_build(&build_of(&cache, &process(2), at(3)), &[]).await.unwrap();
}

pub async fn update_swaps_the_snapshot(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let change = build_again(store, &cache, at(5)).await;
    assert_eq!(change.released, Vec::from_iter(cache.snapshot));
    assert_ne!(change.cache.snapshot, cache.snapshot);
    assert_eq!(store.retained_snapshots().await.unwrap(), [change.cache.snapshot.unwrap()]);
    // One that an instance holds is not let go.
    let instance = instance_of("one", &change.cache, at(6));
    store.create_instance(&instance, &[]).await.unwrap();
    let later = build_again(store, &change.cache, at(7)).await;
    assert_eq!(later.released, []);
    let both = [instance.snapshot, later.cache.snapshot.unwrap()];
    assert_eq!(store.retained_snapshots().await.unwrap(), both);
}

pub async fn failed_update_stays_usable(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let build = build_of(&cache, &process(1), at(1));
    assert_eq!(store.begin_build(&build, &[]).await.unwrap().state, CacheState::Updating);
    let failed = fail(store, &build, at(2)).await.unwrap();
    assert_eq!(failed.state, CacheState::UpdateFailed);
    assert_eq!((failed.snapshot, failed.failure.clone()), (cache.snapshot, Some(failure())));
    assert_eq!(store.cache(cache.id).await.unwrap(), failed);
    assert_eq!(store.build(build.id).await.unwrap().failure, Some(failure()));
    let again = build_again(store, &cache, at(3)).await;
    assert_eq!((again.cache.state, again.cache.failure), (CacheState::Ready, None));
    // A first build that failed is the end.
    let other = cache_named("other", at(0));
    let build = build_of(&other, &process(1), at(1));
    create(store, &other, &build, &[]).await.unwrap();
    let failed = fail(store, &build, at(2)).await.unwrap();
    assert_eq!(failed.state, CacheState::Failed);
    let error = store.begin_build(&build_of(&other, &process(1), at(3)), &[]).await.unwrap_err();
    assert!(matches!(error, Error::Transition { .. }), "{error:?}");
}

pub async fn a_further_one_forgets_the_ended(store: &dyn Metastore) {
    let cache = cache_named("web", at(0));
    let (_, first) = create_running(store, &cache).await;
    finish(store, &first, None, at(1)).await.unwrap();
    let (_, others) = create_running(store, &cache_named("other", at(0))).await;
    finish(store, &others, None, at(1)).await.unwrap();
    let is_there = async |build: &NewBuild| match store.build(build.id).await {
        Ok(_) => true,
        Err(Error::NoBuild(_)) => false,
        Err(error) => panic!("{error:?}"),
    };
    // One that is refused forgets nothing.
    let again = NewBuild { id: first.id, ..build_of(&cache, &process(1), at(2)) };
    assert!(matches!(store.begin_build(&again, &[]).await, Err(Error::Conflict { .. })));
    assert!(is_there(&first).await);
    let second = build_of(&cache, &process(1), at(2));
    store.begin_build(&second, &[]).await.unwrap();
    assert!(!is_there(&first).await && is_there(&second).await && is_there(&others).await);
    let late = fail(store, &first, at(3)).await;
    assert!(matches!(late, Err(Error::NoBuild(_))), "{late:?}");
    fail(store, &second, at(3)).await.unwrap();
    let third = build_of(&cache, &process(1), at(4));
    store.update_cache(cache.id, &CacheEdit::default(), Some(&third), None, &[], at(4)).await.unwrap();
    assert!(!is_there(&second).await && is_there(&third).await);
}

pub async fn a_failure_is_returned_as_it_is_kept(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let (long, cut) = ("\0".repeat(5000), "\u{fffd}".repeat(4096 / 3));
    for (message, kept) in [("odd \0 text", "odd \u{fffd} text"), (long.as_str(), cut.as_str())] {
        let build = build_of(&cache, &process(1), at(1));
        store.begin_build(&build, &[]).await.unwrap();
        let failure = BuildFailure { message: message.to_owned(), ..failure() };
        let failed = store.fail_build(build.id, &process(1), &failure, &[], at(2)).await.unwrap();
        assert_eq!(failed.state, CacheState::UpdateFailed);
        assert_eq!(store.cache(cache.id).await.unwrap(), failed);
        assert_eq!(failed.failure.as_ref().map(|failure| failure.message.as_str()), Some(kept));
        assert_eq!(store.build(build.id).await.unwrap().failure, failed.failure);
    }
    let snapshot = cache.snapshot.unwrap();
    let failure = BuildFailure { reason: "\0".to_owned(), message: "\0".to_owned() };
    assert!(store.lose_snapshot(cache.id, snapshot, &failure, &[], at(3)).await.unwrap());
    let kept = BuildFailure { reason: "\u{fffd}".to_owned(), message: "\u{fffd}".to_owned() };
    assert_eq!(store.cache(cache.id).await.unwrap().failure, Some(kept));
}

pub async fn only_its_owner_ends_it(store: &dyn Metastore) {
    let cache = cache_named("web", at(0));
    let (_, build) = create_running(store, &cache).await;
    let good = snapshot_of(&build, at(2));
    let lost = store.finish_build(build.id, &process(2), &good, whole(), None, &[], at(2)).await.unwrap_err();
    assert!(matches!(lost, Error::BuildLost(_)), "{lost:?}");
    let foreign = SnapshotRecord { id: ImageSnapshotId::generate(), ..good.clone() };
    let wrong =
        store.finish_build(build.id, &process(1), &foreign, whole(), None, &[], at(2)).await.unwrap_err();
    assert!(matches!(wrong, Error::Conflict { .. }), "{wrong:?}");
    finish(store, &build, None, at(2)).await.unwrap();
    let ended = store.fail_build(build.id, &process(1), &failure(), &[], at(3)).await.unwrap_err();
    assert!(matches!(ended, Error::BuildEnded(_)), "{ended:?}");
    assert_eq!(store.cache(cache.id).await.unwrap().state, CacheState::Ready);
    let absent =
        store.fail_build(BuildId::generate(), &process(1), &failure(), &[], at(3)).await.unwrap_err();
    assert!(matches!(absent, Error::NoBuild(_)), "{absent:?}");
}

pub async fn claims_once(store: &dyn Metastore) {
    let cache = cache_named("web", at(0));
    let (_, build) = create_running(store, &cache).await;
    let claimed = store.claim_build(build.id, &process(1), &process(2), &[], at(2)).await.unwrap().unwrap();
    assert_eq!((claimed.attempts, &claimed.owner, claimed.beat), (2, &Some(process(2)), at(2)));
    assert_eq!(store.build(build.id).await.unwrap(), claimed);
    let event = event(Subject::Cache(cache.id), EventReason::BuildInterrupted, "late", at(2));
    assert_eq!(store.claim_build(build.id, &process(1), &process(3), &[event], at(2)).await.unwrap(), None);
    assert_eq!(store.events(Subject::Cache(cache.id)).await.unwrap(), []);
    let lost = store.fail_build(build.id, &process(1), &failure(), &[], at(3)).await.unwrap_err();
    assert!(matches!(lost, Error::BuildLost(_)), "{lost:?}");
    let mine = NewBuild { owner: Some(process(2)), ..build };
    finish(store, &mine, None, at(4)).await.unwrap();
    assert_eq!(store.claim_build(mine.id, &process(2), &process(3), &[], at(5)).await.unwrap(), None);
    store.delete_cache(cache.id, &[]).await.unwrap();
    assert_eq!(store.claim_build(mine.id, &process(2), &process(3), &[], at(5)).await.unwrap(), None);
}

pub async fn claims_what_the_dead_left(store: &dyn Metastore) {
    let mut builds = Vec::new();
    for pid in [1, 2, 3] {
        let cache = cache_named("web", at(0));
        let build = build_of(&cache, &process(pid), at(1));
        create(store, &cache, &build, &[]).await.unwrap();
        builds.push(build);
    }
    let lives = |build: &crate::Build| build.owner == Some(process(2));
    let claimed = claim_interrupted_builds(store, &process(3), &lives, at(9)).await.unwrap();
    assert_eq!(claimed.iter().map(|build| build.id).collect::<Vec<_>>(), [builds[0].id]);
    let events = store.events(Subject::Cache(builds[0].cache)).await.unwrap();
    assert_eq!(events.iter().map(|event| event.reason).collect::<Vec<_>>(), [EventReason::BuildInterrupted]);
    assert_eq!(store.events(Subject::Cache(builds[1].cache)).await.unwrap(), []);
    assert_eq!(claim_interrupted_builds(store, &process(3), &lives, at(9)).await.unwrap(), []);
    assert_eq!(store.running_builds(Page::first()).await.unwrap().len(), 3);
}

pub async fn retains_planned_snapshots(store: &dyn Metastore) {
    let cache = cache_named("web", at(0));
    let (_, build) = create_running(store, &cache).await;
    assert_eq!(store.retained_snapshots().await.unwrap(), [build.snapshot]);
    fail(store, &build, at(2)).await.unwrap();
    assert_eq!(store.retained_snapshots().await.unwrap(), []);
}

pub async fn created_with_its_build_or_not_at_all(store: &dyn Metastore) {
    let first = cache_named("web", at(0));
    let build = build_of(&first, &process(1), at(1));
    let created = create(store, &first, &build, &[]).await.unwrap();
    assert_eq!(created.state, CacheState::Creating);
    let second = cache_named("web", at(0));
    let same_id = crate::NewBuild { cache: second.id, ..build };
    let event = event(Subject::Cache(second.id), EventReason::Created, "created", at(1));
    let error = create(store, &second, &same_id, &[event]).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error:?}");
    assert!(matches!(store.cache(second.id).await, Err(Error::NoCache(_))));
    assert_eq!(store.events(Subject::Cache(second.id)).await.unwrap(), []);
}

pub async fn records_layers(store: &dyn Metastore) {
    let digest = |text: &str| Digest::sha256(text.as_bytes());
    let layer = LayerRecord {
        diff_id: DiffId::new(digest("tar")),
        blob: BlobDigest::new(digest("gzip")),
        compressed_size: ByteSize::bytes(10),
        tar_size: ByteSize::bytes(20),
        blob_size: ByteSize::bytes(30),
        recorded: at(0),
    };
    assert_eq!(store.layer_by_blob(&layer.blob).await.unwrap(), None);
    let zstd = LayerRecord { blob: BlobDigest::new(digest("zstd")), ..layer };
    for record in [layer, layer, zstd] {
        store.record_layer(&record).await.unwrap();
    }
    assert_eq!(store.layer_by_blob(&layer.blob).await.unwrap(), Some(layer));
    let mut both = vec![layer, zstd];
    both.sort_by_key(|record| record.blob);
    assert_eq!(store.layers_by_diff_id(&layer.diff_id).await.unwrap(), both);
    let lie = LayerRecord { diff_id: DiffId::new(digest("other")), ..layer };
    assert!(matches!(store.record_layer(&lie).await, Err(Error::Conflict { .. })));
    assert_eq!(store.layer_by_blob(&layer.blob).await.unwrap(), Some(layer));
}

pub async fn unfinished_ones_of_some_caches(store: &dyn Metastore) {
    let done = ready_cache(store, "done", at(0)).await;
    let (waiting, first) = create_waiting(store, &cache_named("waiting", at(0))).await;
    let (running, second) = create_running(store, &cache_named("running", at(0))).await;
    let (_, other) = create_running(store, &cache_named("other", at(0))).await;
    let ids = [running.id, done.id, waiting.id, model::CacheId::generate()];
    let found = store.unfinished_builds(&ids).await.unwrap();
    assert_eq!(found.iter().map(|build| build.id).collect::<Vec<_>>(), [first.id, second.id]);
    assert!(found.iter().all(|build| build.id != other.id));
    assert_eq!(found[1], store.build(second.id).await.unwrap());
    assert_eq!(store.unfinished_builds(&[]).await.unwrap(), []);
}
