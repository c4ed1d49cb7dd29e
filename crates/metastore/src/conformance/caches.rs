use model::{BuildFailure, CacheId, CacheState, EventReason, ExitStatus, Subject};

use super::{at, build_again, build_of, cache_named, event, instance_of, process, ready_cache};
use crate::{CacheFilter, CacheRef, Error, ErrorKind, Metastore, Page};

pub async fn records_and_reads(store: &dyn Metastore) {
    let mut cache = cache_named("web", at(0));
    cache.last_used = Some(at(5));
    store.create_cache(&cache, &[]).await.unwrap();
    assert_eq!(store.cache(cache.id).await.unwrap(), cache);
    let absent = store.cache(CacheId::generate()).await.unwrap_err();
    assert!(matches!(absent, Error::NoCache(_)), "{absent:?}");
    assert_eq!(absent.kind(), ErrorKind::NotFound);
}

pub async fn refuses_what_is_not_new(store: &dyn Metastore) {
    let cache = cache_named("web", at(0));
    store.create_cache(&cache, &[]).await.unwrap();
    assert!(matches!(store.create_cache(&cache, &[]).await, Err(Error::Conflict { .. })));
    let mut ready = cache_named("web", at(0));
    ready.state = CacheState::Ready;
    assert!(matches!(store.create_cache(&ready, &[]).await, Err(Error::Conflict { .. })));
    assert!(store.cache(ready.id).await.is_err());
}

pub async fn resolves_by_id_and_name(store: &dyn Metastore) {
    let name = "web".parse().unwrap();
    let by_name = CacheRef::Name(name);
    assert!(matches!(store.resolve_cache(&by_name).await, Err(Error::NoCacheOfName(_))));
    let old = ready_cache(store, "web", at(0)).await;
    let other = ready_cache(store, "other", at(9)).await;
    let newer = ready_cache(store, "web", at(1)).await;
    let unbuilt = cache_named("web", at(2));
    store.create_cache(&unbuilt, &[]).await.unwrap();
    let resolved = store.resolve_cache(&by_name).await.unwrap();
    assert_eq!(resolved.cache.id, newer.id, "the newest usable one, not the newest");
    assert_eq!(resolved.others, [unbuilt.id, old.id]);
    let resolved = store.resolve_cache(&CacheRef::Id(other.id)).await.unwrap();
    assert_eq!((resolved.cache, resolved.others), (other, Vec::new()));
}

pub async fn finds_by_filter_and_page(store: &dyn Metastore) {
    let mut all = Vec::new();
    for name in ["a", "b", "a"] {
        all.push(ready_cache(store, name, at(0)).await);
    }
    all.push(cache_named("a", at(0)));
    store.create_cache(&all[3], &[]).await.unwrap();
    let find = async |filter: CacheFilter| store.find_caches(&filter, Page::first()).await.unwrap();
    assert_eq!(find(CacheFilter::default()).await, all);
    let named = CacheFilter { name: Some("a".parse().unwrap()), ..CacheFilter::default() };
    assert_eq!(find(named.clone()).await, [all[0].clone(), all[2].clone(), all[3].clone()]);
    let ready = CacheFilter { state: Some(CacheState::Ready), ..named };
    assert_eq!(find(ready).await, [all[0].clone(), all[2].clone()]);
    let serving = CacheFilter { snapshot: all[1].snapshot, ..CacheFilter::default() };
    assert_eq!(find(serving).await, [all[1].clone()]);
    let page = Page { after: Some(all[0].id), limit: 2 };
    assert_eq!(store.find_caches(&CacheFilter::default(), page).await.unwrap(), all[1..3]);
    assert_eq!(store.find_caches(&CacheFilter::default(), Page::after(all[3].id)).await.unwrap(), []);
}

pub async fn notes_use_and_never_moves_back(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    for (now, expected) in [(5, 5), (3, 5), (8, 8)] {
        store.touch_cache_used(cache.id, at(now)).await.unwrap();
        assert_eq!(store.cache(cache.id).await.unwrap().last_used, Some(at(expected)));
    }
    assert!(matches!(store.touch_cache_used(CacheId::generate(), at(0)).await, Err(Error::NoCache(_))));
}

pub async fn deletes_and_releases(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let gone = event(Subject::Cache(cache.id), EventReason::Deleted, "deleted", at(1));
    let change = store.delete_cache(cache.id, std::slice::from_ref(&gone)).await.unwrap();
    assert_eq!(change.released, cache.snapshot);
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
    assert_eq!(change.released, None);
    store.delete_cache(cache.id, &[]).await.unwrap();
    store.instance_exited(instance.id, ExitStatus::Code(0), &[], at(3)).await.unwrap();
    assert_eq!(store.remove_instance(instance.id, &[]).await.unwrap().released, cache.snapshot);
}

pub async fn refuses_to_delete_while_building(store: &dyn Metastore) {
    let cache = cache_named("web", at(0));
    store.create_cache(&cache, &[]).await.unwrap();
    let build = build_of(&cache, &process(1), at(1));
    store.begin_build(&build, &[]).await.unwrap();
    let error = store.delete_cache(cache.id, &[]).await.unwrap_err();
    assert!(matches!(error, Error::CacheBuilding { build: by, .. } if by == build.id), "{error:?}");
    let failure = BuildFailure { reason: "x".to_owned(), message: "y".to_owned() };
    store.fail_build(build.id, &build.owner, &failure, &[], at(2)).await.unwrap();
    assert_eq!(store.delete_cache(cache.id, &[]).await.unwrap().released, None);
    assert!(matches!(store.build(build.id).await, Err(Error::NoBuild(_))));
}
