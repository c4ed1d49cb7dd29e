//! One script, run with every one of its calls failing in turn: whatever failed, the records agree with each other and
//! everything can be brought to an end.

use model::{BuildFailure, ExitStatus, InstanceState};

use super::{at, build_of, cache_named, instance_of, process, snapshot_of};
use crate::fault::{FaultMetastore, FaultPlan};
use crate::{
    CacheFilter, Error, ErrorKind, InstanceFilter, Metastore, Page, Result, claim_interrupted_builds,
};

async fn script(store: &dyn Metastore) -> Result<()> {
    let cache = cache_named("web", at(0));
    let first = build_of(&cache, &process(1), at(1));
    store.create_cache_with_build(&cache, &first, &[]).await?;
    let built =
        store.finish_build(first.id, &process(1), &snapshot_of(&first, at(2)), &[], at(2)).await?.cache;
    let instance = instance_of("one", &built, at(3));
    store.create_instance(&instance, &[]).await?;
    store.instance_started(instance.id, 7, &[], at(4)).await?;
    let second = build_of(&cache, &process(1), at(5));
    store.begin_build(&second, &[]).await?;
    store.finish_build(second.id, &process(1), &snapshot_of(&second, at(6)), &[], at(6)).await?;
    let third = build_of(&cache, &process(1), at(7));
    store.begin_build(&third, &[]).await?;
    let failure = BuildFailure { reason: "x".to_owned(), message: "y".to_owned() };
    store.fail_build(third.id, &process(1), &failure, &[], at(8)).await?;
    store.instance_exited(instance.id, ExitStatus::Code(0), &[], at(9)).await?;
    store.remove_instance(instance.id, &[]).await?;
    store.delete_cache(cache.id, &[]).await.map(drop)
}

/// What must hold between any two verbs.
pub async fn check_invariants(store: &dyn Metastore) {
    let caches = store.find_caches(&CacheFilter::default(), Page::first()).await.unwrap();
    let builds = store.running_builds(Page::first()).await.unwrap();
    let instances = store.find_instances(&InstanceFilter::default(), Page::first()).await.unwrap();
    let retained = store.retained_snapshots().await.unwrap();
    let mut wanted: Vec<_> = builds.iter().map(|build| build.snapshot).collect();
    for cache in &caches {
        let running = builds.iter().filter(|build| build.cache == cache.id).count();
        let expected = usize::from(cache.state.is_building() && cache.state != model::CacheState::Preparing);
        assert_eq!(running, expected, "{cache:?}");
        assert_eq!(cache.state.is_usable(), cache.snapshot.is_some(), "{cache:?}");
        wanted.extend(cache.snapshot);
    }
    wanted.extend(instances.iter().map(|instance| instance.snapshot));
    for named in caches.iter().filter_map(|cache| cache.snapshot) {
        assert!(store.snapshot(named).await.unwrap().is_some(), "{named} is not indexed");
    }
    wanted.sort_unstable();
    wanted.dedup();
    assert_eq!(retained, wanted, "retained is what is named, no more and no less");
}

/// Ends every build, instance and cache.
async fn wind_up(store: &dyn Metastore) {
    let failure = BuildFailure { reason: "interrupted".to_owned(), message: "the process ended".to_owned() };
    for build in claim_interrupted_builds(store, &process(2), &|_| false, at(20)).await.unwrap() {
        store.fail_build(build.id, &process(2), &failure, &[], at(21)).await.unwrap();
    }
    for instance in store.find_instances(&InstanceFilter::default(), Page::first()).await.unwrap() {
        let ended = store.instance_exited(instance.id, ExitStatus::Unknown, &[], at(22)).await.unwrap();
        assert!(matches!(ended.state, InstanceState::Exited(_)));
        store.remove_instance(instance.id, &[]).await.unwrap();
    }
    for cache in store.find_caches(&CacheFilter::default(), Page::first()).await.unwrap() {
        store.delete_cache(cache.id, &[]).await.unwrap();
    }
    assert_eq!(store.retained_snapshots().await.unwrap(), []);
}

/// Runs the script over a metastore that fails at the given call, with the answer lost or the verb not done, and
/// says whether the script got as far.
pub async fn fails_and_recovers(store: impl Metastore, call: u64, is_done: bool) -> bool {
    let plan = FaultPlan { call, is_done, kind: ErrorKind::NoSpace };
    let store = FaultMetastore::new(store, Some(plan));
    let outcome = script(&store).await;
    if store.calls() <= call {
        outcome.unwrap();
    } else {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Injected { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::NoSpace);
    }
    let got_there = store.calls() > call;
    check_invariants(store.inner()).await;
    wind_up(store.inner()).await;
    check_invariants(store.inner()).await;
    got_there
}
