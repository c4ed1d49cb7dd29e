use model::{BuildId, CacheState, EventReason, Percent, Subject};

use super::{
    account, at, build_of, cache_named, cache_of, create, create_running, create_waiting, event, fail,
    failure, finish, process, ready_cache, waiting_build_of,
};
use crate::{Beat, Build, BuildState, Error, Metastore, NewBuild, Page, Turns};

const MANY: Turns = Turns { per_account: 100 };

async fn take(store: &dyn Metastore, pid: u32, second: i64) -> Option<Build> {
    store.take_queued_build(&process(pid), MANY, at(second)).await.unwrap()
}

pub async fn waits_for_an_owner(store: &dyn Metastore) {
    assert_eq!(take(store, 1, 0).await, None);
    let cache = cache_named("web", at(0));
    let (waiting, build) = create_waiting(store, &cache).await;
    assert_eq!((waiting.state, waiting.progress), (CacheState::Preparing, Percent::ZERO));
    let queued = store.build(build.id).await.unwrap();
    assert_eq!((queued.state, queued.owner.clone(), queued.attempts), (BuildState::Queued, None, 0));
    assert_eq!((queued.queued, queued.beat, queued.started), (at(0), at(0), None));
    assert_eq!(store.build_of_cache(cache.id).await.unwrap(), Some(queued));
    assert_eq!(store.running_builds(Page::first()).await.unwrap(), []);
    for error in
        [finish(store, &build, None, at(1)).await.unwrap_err(), fail(store, &build, at(1)).await.unwrap_err()]
    {
        assert!(matches!(error, Error::BuildLost(_)), "nobody owns it: {error:?}");
    }
    let taken = take(store, 7, 5).await.unwrap();
    assert_eq!((taken.id, taken.state, taken.attempts), (build.id, BuildState::Running, 1));
    assert_eq!((taken.owner.clone(), taken.started, taken.beat), (Some(process(7)), Some(at(5)), at(5)));
    assert_eq!(store.build(build.id).await.unwrap(), taken);
    let creating = store.cache(cache.id).await.unwrap();
    assert_eq!((creating.state, creating.updated), (CacheState::Creating, at(5)));
    assert_eq!(take(store, 8, 6).await, None);
    let owned = NewBuild { owner: Some(process(7)), ..build };
    let ready = finish(store, &owned, None, at(7)).await.unwrap().cache;
    // An update that waits is said at once.
    let update = waiting_build_of(&ready, at(8));
    assert_eq!(store.begin_build(&update, &[]).await.unwrap().state, CacheState::Updating);
    let second = store.begin_build(&waiting_build_of(&ready, at(8)), &[]).await;
    assert!(matches!(second, Err(Error::CacheBuilding { build, .. }) if build == update.id), "{second:?}");
    assert!(second.unwrap_err().to_string().ends_with("has not ended"), "nothing runs yet");
    assert_eq!(take(store, 7, 9).await.map(|build| build.id), Some(update.id));
    assert_eq!(store.cache(ready.id).await.unwrap().state, CacheState::Updating);
}

/// Builds that wait, one for each of the accounts' names, each a second after the one before.
async fn queue(store: &dyn Metastore, owners: &[&str]) -> Vec<BuildId> {
    let mut builds = Vec::new();
    for (owner, second) in owners.iter().zip(0..) {
        let (_, build) = create_waiting(store, &cache_of(&account(owner), "web", at(second))).await;
        builds.push(build.id);
    }
    builds
}

pub async fn the_one_with_fewest_running_first(store: &dyn Metastore) {
    let builds = queue(store, &["a", "a", "a", "b", "c", "b"]).await;
    let mut order = Vec::new();
    for second in 10..16 {
        order.push(take(store, 1, second).await.unwrap().id);
    }
    // a, b, c have none; then one each, a has waited longest, then b; then a alone waits.
    assert_eq!(order, [0, 3, 4, 1, 5, 2].map(|place: usize| builds[place]));
    assert_eq!(take(store, 1, 20).await, None);
}

pub async fn the_longest_waiting_first(store: &dyn Metastore) {
    let builds = queue(store, &["b", "a", "b"]).await;
    let one = Turns { per_account: 1 };
    let next = async |second| {
        let build = store.take_queued_build(&process(1), one, at(second)).await.unwrap();
        build.map(|build| build.id)
    };
    assert_eq!(next(10).await, Some(builds[0]));
    assert_eq!(next(11).await, Some(builds[1]));
    assert_eq!(next(12).await, None, "each account has as many as it may");
    let none = Turns { per_account: 0 };
    assert_eq!(store.take_queued_build(&process(1), none, at(12)).await.unwrap(), None);
    store.fail_build(builds[0], &process(1), &failure(), &[], at(13)).await.unwrap();
    assert_eq!(next(14).await, Some(builds[2]));
    // Not the order of their ids, but of the time since when they wait.
    let (early, late) = (cache_of(&account("d"), "web", at(1)), cache_of(&account("d"), "web", at(2)));
    let ids = [create_waiting(store, &late).await.1.id, create_waiting(store, &early).await.1.id];
    assert_eq!(next(14).await, Some(ids[1]));
    // Builds that had an owner from the beginning count as well.
    let (_, running) = create_running(store, &cache_of(&account("c"), "web", at(0))).await;
    let (_, waiting) = create_waiting(store, &cache_of(&account("c"), "web", at(0))).await;
    assert_eq!(next(15).await, None);
    fail(store, &running, at(16)).await.unwrap();
    assert_eq!(next(17).await, Some(waiting.id));
}

pub async fn each_goes_to_one(store: &dyn Metastore) {
    let mut builds = queue(store, &["a", "b", "a", "c", "a", "b", "d", "a", "c", "a"]).await;
    let worker = async |pid| {
        let mut mine = Vec::new();
        while let Some(build) = take(store, pid, 20).await {
            assert_eq!(build.owner, Some(process(pid)));
            mine.push(build.id);
        }
        mine
    };
    let taken =
        tokio::join!(worker(1), worker(2), worker(3), worker(4), worker(5), worker(6), worker(7), worker(8));
    let mut all = [taken.0, taken.1, taken.2, taken.3, taken.4, taken.5, taken.6, taken.7].concat();
    all.sort_unstable();
    builds.sort_unstable();
    assert_eq!(all, builds, "each once");
    assert_eq!(store.running_builds(Page::first()).await.unwrap().len(), builds.len());
}

pub async fn beats_and_tells(store: &dyn Metastore) {
    let (cache, build) = create_running(store, &cache_named("web", at(0))).await;
    let beat = async |progress, second| {
        store.beat_build(build.id, &process(1), Percent::new(progress), at(second)).await.unwrap()
    };
    assert_eq!(beat(30, 5).await, Beat::GoOn);
    assert_eq!(store.build(build.id).await.unwrap().beat, at(5));
    let known = store.cache(cache.id).await.unwrap();
    assert_eq!((known.progress.get(), known.updated), (30, cache.updated));
    assert_eq!(beat(40, 3).await, Beat::GoOn);
    assert_eq!(store.build(build.id).await.unwrap().beat, at(5), "time never moves back");
    let newest = store.newest_change().await.unwrap();
    assert_eq!(beat(40, 6).await, Beat::GoOn);
    assert_eq!(store.newest_change().await.unwrap(), newest, "a sign of life alone is no change");
    beat(41, 7).await;
    assert!(store.newest_change().await.unwrap() > newest);
    finish(store, &build, None, at(8)).await.unwrap();
    assert_eq!(store.cache(cache.id).await.unwrap().progress, Percent::ALL);
}

pub async fn cancelled_while_waiting(store: &dyn Metastore) {
    let (fresh, first) = create_waiting(store, &cache_named("web", at(0))).await;
    let news = event(Subject::Cache(fresh.id), EventReason::BuildCancelled, "cancelled", at(1));
    let events = std::slice::from_ref(&news);
    store.cancel_build(first.id, &failure(), events, at(1)).await.unwrap();
    let build = store.build(first.id).await.unwrap();
    assert_eq!(
        (build.state, build.finished, build.failure),
        (BuildState::Failed, Some(at(1)), Some(failure()))
    );
    let cache = store.cache(fresh.id).await.unwrap();
    assert_eq!((cache.state, cache.failure, cache.updated), (CacheState::Failed, Some(failure()), at(1)));
    assert_eq!(take(store, 1, 2).await, None);
    let ready = ready_cache(store, "ready", at(0)).await;
    let update = waiting_build_of(&ready, at(1));
    store.begin_build(&update, &[]).await.unwrap();
    store.cancel_build(update.id, &failure(), &[], at(2)).await.unwrap();
    let cache = store.cache(ready.id).await.unwrap();
    assert_eq!(
        (cache.state, cache.snapshot, cache.progress),
        (CacheState::UpdateFailed, ready.snapshot, Percent::ALL)
    );
    // What has ended, or was never there, is left.
    store.cancel_build(first.id, &failure(), events, at(3)).await.unwrap();
    store.cancel_build(BuildId::generate(), &failure(), events, at(3)).await.unwrap();
    assert_eq!(store.events(news.subject).await.unwrap(), [news]);
}

pub async fn cancelled_while_running(store: &dyn Metastore) {
    let (cache, build) = create_running(store, &cache_named("web", at(0))).await;
    let news = event(Subject::Cache(cache.id), EventReason::BuildCancelled, "cancelled", at(1));
    for second in [1, 2] {
        store.cancel_build(build.id, &failure(), std::slice::from_ref(&news), at(second)).await.unwrap();
    }
    assert_eq!(store.events(news.subject).await.unwrap(), [news]);
    let known = store.build(build.id).await.unwrap();
    assert_eq!((known.state, known.cancelled), (BuildState::Running, true));
    assert_eq!(store.cache(cache.id).await.unwrap().state, CacheState::Creating);
    let beat = store.beat_build(build.id, &process(1), Percent::new(1), at(2)).await.unwrap();
    assert_eq!(beat, Beat::Cancelled);
    // Who takes it over is told as well.
    store.claim_build(build.id, &process(1), &process(2), &[], at(3)).await.unwrap().unwrap();
    let beat = store.beat_build(build.id, &process(2), Percent::new(1), at(4)).await.unwrap();
    assert_eq!(beat, Beat::Cancelled);
    // One that was done before it heard of it is done.
    let mine = NewBuild { owner: Some(process(2)), ..build };
    assert_eq!(finish(store, &mine, None, at(5)).await.unwrap().cache.state, CacheState::Ready);
}

pub async fn a_lost_build_beats_no_more(store: &dyn Metastore) {
    let cache = cache_named("web", at(0));
    let build = build_of(&cache, &process(1), at(0));
    create(store, &cache, &build, &[]).await.unwrap();
    let beat = async |pid| store.beat_build(build.id, &process(pid), Percent::new(9), at(5)).await.unwrap();
    store.claim_build(build.id, &process(1), &process(2), &[], at(1)).await.unwrap().unwrap();
    assert_eq!((beat(1).await, beat(2).await), (Beat::Lost, Beat::GoOn));
    let mine = NewBuild { owner: Some(process(2)), ..build.clone() };
    fail(store, &mine, at(6)).await.unwrap();
    assert_eq!(beat(2).await, Beat::Lost);
    store.delete_cache(cache.id, &[]).await.unwrap();
    assert_eq!(beat(2).await, Beat::Lost);
    let (_, waiting) = create_waiting(store, &cache_named("web", at(0))).await;
    let early = store.beat_build(waiting.id, &process(1), Percent::ALL, at(1)).await.unwrap();
    assert_eq!(early, Beat::Lost, "nobody owns it");
}
