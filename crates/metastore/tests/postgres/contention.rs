//! Several processes on one database, played by a pool each: what one decides, the others see.

use std::collections::BTreeSet;
use std::sync::Arc;

use metastore::conformance::faults::check_invariants;
use metastore::conformance::{
    account, at, build_and_keep, build_of, cache_named, cache_of, create, create_waiting, instance_of,
    process, ready_cache, waiting_build_of,
};
use metastore::verbs::*;
use metastore::{
    Admission, Admitted, CacheFilter, ClientToken, Error, InstanceRemoval, Operation, Page,
    PostgresMetastore, TokenUse, Turns,
};
use model::rules::Quotas;
use model::{AccountId, CacheState, ExitStatus};
use tokio::task::JoinSet;

use super::{connect, fresh};

/// Two servers; `None` where PostgreSQL is not installed.
async fn two() -> Option<[Arc<PostgresMetastore>; 2]> {
    let url = fresh().await?;
    Some([Arc::new(connect(&url).await), Arc::new(connect(&url).await)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_builds_of_one_cache_one_begins() {
    let Some(stores) = two().await else { return };
    for round in 0..10 {
        let cache = ready_cache(&*stores[0], "web", at(round)).await;
        let mut attempts = JoinSet::new();
        for pid in 0..4 {
            let store = stores[(pid % 2) as usize].clone();
            let build = build_of(&cache, &process(pid), at(round));
            attempts.spawn(async move { store.begin_build(&build, &[]).await });
        }
        let outcomes = attempts.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert!(matches!(error, Error::CacheBuilding { .. }), "{error:?}");
        }
        assert_eq!(stores[1].cache(cache.id).await.unwrap().state, CacheState::Updating);
    }
    check_invariants(&*stores[0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_share_the_builds_and_none_has_more_turns_than_it_may() {
    let Some(stores) = two().await else { return };
    let mut queued = BTreeSet::new();
    for (name, second) in ["a", "a", "a", "a", "b", "b", "b", "c"].into_iter().zip(0..) {
        queued.insert(create_waiting(&*stores[0], &cache_of(&account(name), "web", at(second))).await.1.id);
    }
    let turns = Turns { per_account: 2 };
    let mut taking = JoinSet::new();
    for pid in 0..8 {
        let store = stores[(pid % 2) as usize].clone();
        taking.spawn(async move {
            let mut mine = Vec::new();
            while let Some(build) = store.take_queued_build(&process(pid), turns, at(20)).await.unwrap() {
                mine.push(build);
            }
            mine
        });
    }
    let taken = taking.join_all().await.concat();
    let of = |name: &str| taken.iter().filter(|build| build.account == account(name)).count();
    assert_eq!((of("a"), of("b"), of("c")), (2, 2, 1));
    let ids: BTreeSet<_> = taken.iter().map(|build| build.id).collect();
    assert_eq!(ids.len(), taken.len(), "each goes to one");
    assert!(ids.is_subset(&queued));
    check_invariants(&*stores[1]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_build_is_cancelled_or_taken_and_not_both() {
    let Some(stores) = two().await else { return };
    let many = Turns { per_account: 100 };
    for round in 0..20 {
        let (cache, build) = create_waiting(&*stores[0], &cache_named("web", at(round))).await;
        let (failure, owner) = (metastore::conformance::failure(), process(1));
        let (cancelled, taken) = tokio::join!(
            stores[0].cancel_build(build.id, &failure, &[], at(round)),
            stores[1].take_queued_build(&owner, many, at(round))
        );
        cancelled.unwrap();
        let state = stores[0].cache(cache.id).await.unwrap().state;
        match taken.unwrap() {
            Some(taken) => {
                assert_eq!((taken.id, state), (build.id, CacheState::Creating));
                assert!(stores[0].build(build.id).await.unwrap().cancelled);
                stores[1].fail_build(build.id, &owner, &failure, &[], at(round)).await.unwrap();
            }
            None => assert_eq!(state, CacheState::Failed),
        }
    }
    check_invariants(&*stores[0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_quota_is_passed_and_no_token_answered_twice() {
    let Some(stores) = two().await else { return };
    let admission = Admission { quotas: Quotas { manual: 3, automatic: 0 }, ..Admission::default() };
    let mut creating = JoinSet::new();
    for number in 0..8_usize {
        let (store, admission) = (stores[number % 2].clone(), admission.clone());
        creating.spawn(async move {
            let cache = cache_named("web", at(0));
            store.create_cache(&cache, &waiting_build_of(&cache, at(0)), &admission, &[]).await
        });
    }
    let outcomes = creating.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3, "{outcomes:?}");
    for error in outcomes.into_iter().filter_map(Result::err) {
        assert!(matches!(error, Error::QuotaReached { .. }), "{error:?}");
    }
    let token: ClientToken = "again".parse().unwrap();
    let token =
        TokenUse { token, operation: Operation::CreateCache, fingerprint: [7; 32], kept_until: at(99) };
    let admission = Admission { token: Some(token), ..Admission::default() };
    let mut creating = JoinSet::new();
    for number in 0..8_usize {
        let (store, admission) = (stores[number % 2].clone(), admission.clone());
        creating.spawn(async move {
            let cache = cache_of(&account("other"), "web", at(0));
            store.create_cache(&cache, &waiting_build_of(&cache, at(0)), &admission, &[]).await.unwrap()
        });
    }
    let answers = creating.join_all().await;
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Admitted::Now(_))).count(), 1);
    let ids: BTreeSet<_> = answers.into_iter().map(|answer| answer.into_cache().id).collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_snapshot_is_held_or_let_go_and_not_both() {
    let Some(stores) = two().await else { return };
    for round in 0..20 {
        let cache = ready_cache(&*stores[0], "web", at(round)).await;
        let instance = instance_of("one", &cache, at(round));
        let (deleted, created) =
            tokio::join!(stores[0].delete_cache(cache.id, &[]), stores[1].create_instance(&instance, &[]));
        match (deleted, created) {
            (Ok(change), Err(Error::NoSnapshot(_))) => assert_eq!(change.released, cache.snapshot.as_slice()),
            (Err(Error::CacheInUse { .. }), Ok(())) => {
                stores[0].instance_exited(instance.id, ExitStatus::Code(0), &[], at(round)).await.unwrap();
                stores[0].remove_instance(instance.id, &[]).await.unwrap();
            }
            outcome => panic!("{outcome:?}"),
        }
        check_invariants(&*stores[1]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_holder_lets_a_snapshot_go_whoever_is_the_last() {
    let Some(stores) = two().await else { return };
    for round in 0..10 {
        let cache = ready_cache(&*stores[0], "web", at(round)).await;
        let first = cache.snapshot.unwrap();
        let mut ended = Vec::new();
        for name in ["one", "two"] {
            let instance = instance_of(name, &cache, at(round));
            stores[0].create_instance(&instance, &[]).await.unwrap();
            stores[0].instance_exited(instance.id, ExitStatus::Code(0), &[], at(round)).await.unwrap();
            ended.push(instance.id);
        }
        let (change, one, two) = tokio::join!(
            build_and_keep(&*stores[0], &cache, None, at(round)),
            stores[1].remove_instance(ended[0], &[]),
            stores[0].remove_instance(ended[1], &[])
        );
        let released =
            [one, two].map(|removal| removal.map(|InstanceRemoval { released, .. }| released).unwrap());
        let times = released.iter().flatten().chain(&change.released).filter(|id| **id == first).count();
        assert_eq!(times, 1, "{released:?} {:?}", change.released);
        check_invariants(&*stores[1]).await;
    }
}

/// Many verbs of all kinds over few records from both servers: none is refused for the others' sake alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn verbs_that_meet_wait_for_each_other_and_never_in_a_circle() {
    let Some(stores) = two().await else { return };
    let caches = [ready_cache(&*stores[0], "a", at(0)).await, ready_cache(&*stores[0], "b", at(0)).await];
    let mut working = JoinSet::new();
    for worker in 0..6_u32 {
        let store = stores[(worker % 2) as usize].clone();
        let caches = caches.clone();
        working.spawn(async move {
            for round in 0..15_u32 {
                let cache = &caches[((worker + round) % 2) as usize];
                step(&store, cache, worker, (worker + round) % 5).await.unwrap();
            }
        });
    }
    working.join_all().await;
    check_invariants(&*stores[0]).await;
    let account = AccountId::local();
    let counted = stores[0].usage(&account).await.unwrap().manual;
    let there = CacheFilter { account: Some(account), ..CacheFilter::default() };
    let there = stores[0].find_caches(&there, Page::first()).await.unwrap();
    assert_eq!(counted, there.iter().filter(|cache| cache.deleting.is_none()).count() as u64);
}

/// One use of the records; what the rules refuse is fine.
async fn step(
    store: &PostgresMetastore,
    cache: &model::ImageCache,
    worker: u32,
    kind: u32,
) -> metastore::Result<()> {
    let outcome = match kind {
        0 => built(store, cache, worker).await,
        1 => started(store, cache, &format!("i{}", worker % 3)).await,
        2 => {
            let other = cache_named("c", at(1));
            create(store, &other, &waiting_build_of(&other, at(1)), &[]).await?;
            store.ask_deletion(other.id, &[], at(2)).await?;
            store.delete_cache(other.id, &[]).await.map(drop)
        }
        3 => store.take_queued_build(&process(worker), Turns { per_account: 9 }, at(3)).await.map(drop),
        _ => store.touch_cache_used(cache.id, model::Savings::default(), at(4)).await,
    };
    match outcome {
        Err(error) if error.kind() == metastore::ErrorKind::Refused => Ok(()),
        Err(error) if error.kind() == metastore::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

async fn built(store: &PostgresMetastore, cache: &model::ImageCache, worker: u32) -> metastore::Result<()> {
    let build = build_of(cache, &process(worker), at(1));
    store.begin_build(&build, &[]).await?;
    metastore::conformance::finish(store, &build, Some(at(9)), at(2)).await?;
    let generations = store.cache(cache.id).await?.generations;
    let snapshots: Vec<_> = generations.iter().map(|generation| generation.snapshot).collect();
    store.drop_generations(cache.id, &snapshots, &[]).await.map(drop)
}

async fn started(store: &PostgresMetastore, cache: &model::ImageCache, name: &str) -> metastore::Result<()> {
    let cache = store.cache(cache.id).await?;
    let instance = instance_of(name, &cache, at(1));
    store.create_instance(&instance, &[]).await?;
    store.instance_started(instance.id, 7, &[], at(2)).await?;
    store.instance_exited(instance.id, ExitStatus::Code(0), &[], at(3)).await?;
    store.remove_instance(instance.id, &[]).await.map(drop)
}
