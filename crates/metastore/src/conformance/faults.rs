//! One script, run with every one of its calls failing in turn: whatever failed, the records agree with each other and
//! everything can be brought to an end.

use std::collections::BTreeMap;

use model::{CacheState, ExitStatus, ImageSnapshotId, Percent, Savings};

use super::{at, build_of, cache_named, failure, instance_of, process, snapshot_of, waiting_build_of, whole};
use crate::fault::{FaultMetastore, FaultPlan};
use crate::{
    Admission, Build, CacheEdit, CacheFilter, Error, ErrorKind, InstanceFilter, Metastore, NewBuild, Page,
    Result, Turns, claim_interrupted_builds,
};

/// Once through a cache's life, with a start and an update beside.
async fn script(store: &dyn Metastore) -> Result<()> {
    let cache = cache_named("web", at(0));
    let first = waiting_build_of(&cache, at(1));
    store.create_cache(&cache, &first, &Admission::default(), &[]).await?;
    store.take_queued_build(&process(1), Turns { per_account: 1 }, at(1)).await?;
    store.beat_build(first.id, &process(1), Percent::new(50), at(2)).await?;
    let built = finish(store, &first, 2).await?;
    let instance = instance_of("one", &built, at(3));
    store.create_instance(&instance, &[]).await?;
    store.instance_started(instance.id, 7, &[], at(4)).await?;
    store.touch_cache_used(cache.id, Savings::default(), at(4)).await?;
    let second = build_of(&cache, &process(1), at(5));
    store.update_cache(cache.id, &CacheEdit::default(), Some(&second), None, &[], at(5)).await?;
    let updated = finish(store, &second, 6).await?;
    store.note_copies(cache.id, second.snapshot, whole(), &[]).await?;
    store.roll_back_cache(cache.id, first.snapshot, at(90), &[], at(7)).await?;
    store.roll_back_cache(cache.id, second.snapshot, at(90), &[], at(7)).await?;
    let third = build_of(&updated, &process(1), at(7));
    store.begin_build(&third, &[]).await?;
    store.fail_build(third.id, &process(1), &failure(), &[], at(8)).await?;
    store.instance_exited(instance.id, ExitStatus::Code(0), &[], at(9)).await?;
    store.remove_instance(instance.id, &[]).await?;
    store.drop_generations(cache.id, &[first.snapshot], &[]).await?;
    let fourth = waiting_build_of(&updated, at(10));
    store.begin_build(&fourth, &[]).await?;
    store.ask_deletion(cache.id, &[], at(11)).await?;
    store.delete_cache(cache.id, &[]).await.map(drop)
}

/// Ends the build well and keeps the snapshot before it.
async fn finish(store: &dyn Metastore, build: &NewBuild, second: i64) -> Result<model::ImageCache> {
    let (snapshot, now) = (snapshot_of(build, at(second)), at(second));
    let change =
        store.finish_build(build.id, &process(1), &snapshot, whole(), Some(at(99)), &[], now).await?;
    Ok(change.cache)
}

/// What must hold between any two verbs, of up to a page of caches and instances.
pub async fn check_invariants(store: &dyn Metastore) {
    let caches = store.find_caches(&CacheFilter::default(), Page::first()).await.unwrap();
    let instances = store.find_instances(&InstanceFilter::default(), Page::first()).await.unwrap();
    let running = store.running_builds(Page::first()).await.unwrap();
    let mut wanted: Vec<ImageSnapshotId> = Vec::new();
    let mut counted: BTreeMap<_, u64> = BTreeMap::new();
    for cache in &caches {
        let build = store.build_of_cache(cache.id).await.unwrap();
        check_build(cache, build.as_ref(), &running);
        assert_eq!(cache.state.is_usable(), cache.snapshot.is_some(), "{cache:?}");
        assert_eq!(cache.snapshot.is_some(), cache.unpacked_size.is_some(), "{cache:?}");
        let idle = cache.state.is_usable() && build.is_none();
        assert!(!idle || cache.progress == Percent::ALL, "{cache:?}");
        let named: Vec<_> = cache.generations.iter().map(|generation| generation.snapshot).collect();
        assert!(named.iter().all(|earlier| Some(*earlier) != cache.snapshot), "{cache:?}");
        for named in named.into_iter().chain(cache.snapshot) {
            assert!(store.snapshot(named).await.unwrap().is_some(), "{named} is not indexed");
            wanted.push(named);
        }
        wanted.extend(build.map(|build| build.snapshot));
        *counted.entry((cache.account.clone(), cache.origin.as_str())).or_default() +=
            u64::from(cache.deleting.is_none());
    }
    for ((account, origin), count) in counted {
        let usage = store.usage(&account).await.unwrap();
        let said = if origin == "manual" { usage.manual } else { usage.automatic };
        assert_eq!(said, count, "{origin} caches of {account}");
    }
    let held = instances.iter().map(|instance| instance.snapshot);
    assert_eq!(store.held_snapshots().await.unwrap(), held.clone().collect());
    wanted.extend(held);
    wanted.sort_unstable();
    wanted.dedup();
    let retained = store.retained_snapshots().await.unwrap();
    assert_eq!(retained, wanted, "retained is what is named, no more and no less");
}

/// A cache has a build exactly where its state says so, and that waits or runs as it says.
fn check_build(cache: &model::ImageCache, build: Option<&Build>, running: &[Build]) {
    assert_eq!(cache.state.is_building(), build.is_some(), "{cache:?}");
    let Some(build) = build else { return };
    let runs = running.contains(build);
    assert_eq!(build.owner.is_some(), runs, "{build:?}");
    assert_eq!(build.account, cache.account);
    match cache.state {
        CacheState::Preparing => assert!(!runs, "{cache:?}"),
        CacheState::Creating => assert!(runs, "{cache:?}"),
        _ => {}
    }
}

/// Ends every build, instance and cache.
async fn wind_up(store: &dyn Metastore) {
    while let Some(build) =
        store.take_queued_build(&process(2), Turns { per_account: 100 }, at(19)).await.unwrap()
    {
        store.fail_build(build.id, &process(2), &failure(), &[], at(19)).await.unwrap();
    }
    for build in claim_interrupted_builds(store, &process(2), &|_| false, at(20)).await.unwrap() {
        store.fail_build(build.id, &process(2), &failure(), &[], at(21)).await.unwrap();
    }
    for instance in store.find_instances(&InstanceFilter::default(), Page::first()).await.unwrap() {
        let ended = store.instance_exited(instance.id, ExitStatus::Unknown, &[], at(22)).await.unwrap();
        assert!(ended.state.has_ended());
        store.remove_instance(instance.id, &[]).await.unwrap();
    }
    for cache in store.find_caches(&CacheFilter::default(), Page::first()).await.unwrap() {
        store.delete_cache(cache.id, &[]).await.unwrap();
    }
    assert_eq!(store.retained_snapshots().await.unwrap(), []);
    assert_eq!(store.usage(&model::AccountId::local()).await.unwrap(), crate::Usage::default());
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
