use model::{CacheId, CacheState, EventReason, ExitStatus, Subject};

use super::{
    at, build_again, cache_named, create_running, create_waiting, event, fail, instance_of, process,
    ready_cache, waiting_build_of,
};
use crate::{Beat, BuildState, Error, Metastore, Turns};

pub async fn deletes_and_releases(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let gone = event(Subject::Cache(cache.id), EventReason::Deleted, "deleted", at(1));
    let change = store.delete_cache(cache.id, std::slice::from_ref(&gone)).await.unwrap();
    assert_eq!(change.released, Vec::from_iter(cache.snapshot));
    assert_eq!(change.cache, cache);
    assert!(matches!(store.cache(cache.id).await, Err(Error::NoCache(_))));
    assert!(matches!(store.delete_cache(cache.id, &[]).await, Err(Error::NoCache(_))));
    assert_eq!(store.snapshot(cache.snapshot.unwrap()).await.unwrap(), None);
    assert_eq!(store.retained_snapshots().await.unwrap(), []);
    assert_eq!(store.events(Subject::Cache(cache.id)).await.unwrap(), [gone]);
}

pub async fn refuses_to_delete_in_use(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let instance = instance_of("one", &cache, at(1));
    store.create_instance(&instance, &[]).await.unwrap();
    let error = store.delete_cache(cache.id, &[]).await.unwrap_err();
    let Error::CacheInUse { instances, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*instances, std::slice::from_ref(&instance.name));
    assert!(error.to_string().contains("`one`"), "{error}");
    // What an update leaves to the instance alone does not hold the cache.
    let change = build_again(store, &cache, at(2)).await;
    assert_eq!(change.released, []);
    store.delete_cache(cache.id, &[]).await.unwrap();
    store.instance_exited(instance.id, ExitStatus::Code(0), &[], at(3)).await.unwrap();
    assert_eq!(store.remove_instance(instance.id, &[]).await.unwrap().released, cache.snapshot);
}

pub async fn refuses_to_delete_while_building(store: &dyn Metastore) {
    let cache = cache_named("web", at(0));
    let (_, build) = create_running(store, &cache).await;
    let error = store.delete_cache(cache.id, &[]).await.unwrap_err();
    assert!(matches!(error, Error::CacheBuilding { build: by, .. } if by == build.id), "{error:?}");
    fail(store, &build, at(2)).await.unwrap();
    assert_eq!(store.delete_cache(cache.id, &[]).await.unwrap().released, []);
    assert!(matches!(store.build(build.id).await, Err(Error::NoBuild(_))));
}

pub async fn deletes_what_only_waits(store: &dyn Metastore) {
    let (cache, build) = create_waiting(store, &cache_named("web", at(0))).await;
    assert_eq!(store.retained_snapshots().await.unwrap(), [build.snapshot]);
    store.delete_cache(cache.id, &[]).await.unwrap();
    assert!(matches!(store.build(build.id).await, Err(Error::NoBuild(_))));
    assert_eq!(store.take_queued_build(&process(1), Turns { per_account: 9 }, at(1)).await.unwrap(), None);
    assert_eq!(store.retained_snapshots().await.unwrap(), []);
    // A waiting update is no hindrance either, and its cache's snapshot goes.
    let ready = ready_cache(store, "ready", at(0)).await;
    store.begin_build(&waiting_build_of(&ready, at(1)), &[]).await.unwrap();
    let change = store.delete_cache(ready.id, &[]).await.unwrap();
    assert_eq!(change.released, Vec::from_iter(ready.snapshot));
}

pub async fn asked_once_and_serves_no_more(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let subject = Subject::Cache(cache.id);
    let ask = async |second| {
        let news = event(subject, EventReason::DeletionRequested, "asked", at(second));
        store.ask_deletion(cache.id, &[news], at(second)).await.unwrap()
    };
    let asked = ask(1).await;
    assert_eq!((asked.deleting, asked.updated, asked.state), (Some(at(1)), at(1), CacheState::Ready));
    assert!(!asked.is_usable());
    assert_eq!(ask(2).await, asked);
    assert_eq!(store.cache(cache.id).await.unwrap(), asked);
    assert_eq!(store.events(subject).await.unwrap()[0].count, 1);
    let refused = store.begin_build(&waiting_build_of(&cache, at(3)), &[]).await;
    assert!(matches!(refused, Err(Error::CacheDeleting(_))), "{refused:?}");
    let absent = store.ask_deletion(CacheId::generate(), &[], at(1)).await;
    assert!(matches!(absent, Err(Error::NoCache(_))));
    store.delete_cache(cache.id, &[]).await.unwrap();
}

pub async fn ends_the_build_that_waits(store: &dyn Metastore) {
    let (fresh, first) = create_waiting(store, &cache_named("web", at(0))).await;
    let asked = store.ask_deletion(fresh.id, &[], at(1)).await.unwrap();
    assert_eq!((asked.state, asked.deleting), (CacheState::Failed, Some(at(1))));
    assert_eq!(asked.failure.as_ref().map(|failure| failure.reason.as_str()), Some("cancelled"));
    assert_eq!(store.cache(fresh.id).await.unwrap(), asked);
    let build = store.build(first.id).await.unwrap();
    assert_eq!((build.state, build.finished), (BuildState::Failed, Some(at(1))));
    let ready = ready_cache(store, "ready", at(0)).await;
    store.begin_build(&waiting_build_of(&ready, at(1)), &[]).await.unwrap();
    assert_eq!(store.ask_deletion(ready.id, &[], at(2)).await.unwrap().state, CacheState::UpdateFailed);
    assert_eq!(store.take_queued_build(&process(1), Turns { per_account: 9 }, at(3)).await.unwrap(), None);
}

pub async fn cancels_the_build_that_runs(store: &dyn Metastore) {
    let (cache, build) = create_running(store, &cache_named("web", at(0))).await;
    let asked = store.ask_deletion(cache.id, &[], at(1)).await.unwrap();
    assert_eq!((asked.state, asked.deleting), (CacheState::Creating, Some(at(1))));
    assert!(store.build(build.id).await.unwrap().cancelled);
    let beat = store.beat_build(build.id, &process(1), asked.progress, at(2)).await.unwrap();
    assert_eq!(beat, Beat::Cancelled);
    fail(store, &build, at(3)).await.unwrap();
    store.delete_cache(cache.id, &[]).await.unwrap();
}
