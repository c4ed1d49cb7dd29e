//! Verbs that stand still in their middle, and what others do meanwhile.

use std::sync::Arc;

use metastore::conformance::{account, at, cache_of, create_waiting, process};
use metastore::verbs::*;
use metastore::{Change, ChangeNumber, PostgresMetastore, Turns};
use model::Subject;
use tokio::task::{AbortHandle, JoinSet};

use super::holder::Holder;
use super::{connect, fresh};

/// Waits until that many verbs wait, or this one has ended without waiting.
async fn until_waiting_or_done(holder: &mut Holder, count: usize, verb: &AbortHandle) {
    tokio::select! {
        () = holder.until_waiting(count) => {}
        () = async { while !verb.is_finished() { tokio::task::yield_now().await } } => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_chooses_a_build_knows_what_the_one_before_chose() {
    let Some(url) = fresh().await else { return };
    let store = Arc::new(connect(&url).await);
    let take = |pid| {
        let (store, turns) = (store.clone(), Turns { per_account: 1 });
        async move { store.take_queued_build(&process(pid), turns, at(50)).await.unwrap() }
    };
    let mut verbs = JoinSet::new();
    let (later, _) = create_waiting(&*store, &cache_of(&account("a"), "later", at(9))).await;
    let mut holder = Holder::of_cache(&url, later.id).await;
    verbs.spawn(take(1));
    holder.until_waiting(1).await;
    // Another clock's word may say that this one has waited longer: who chooses now would choose another build.
    create_waiting(&*store, &cache_of(&account("a"), "sooner", at(0))).await;
    let second = verbs.spawn(take(2));
    until_waiting_or_done(&mut holder, 2, &second).await;
    holder.let_go().await;
    let taken = verbs.join_all().await;
    assert_eq!(taken.iter().flatten().count(), 1, "{taken:?}");
}

async fn since(store: &PostgresMetastore, number: ChangeNumber) -> Vec<Change> {
    store.changes(number, 100).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_becomes_visible_behind_a_later_one() {
    let Some(url) = fresh().await else { return };
    let store = Arc::new(connect(&url).await);
    let create = |name: &'static str| {
        let store = store.clone();
        async move { create_waiting(&*store, &cache_of(&account(name), "web", at(0))).await.0.id }
    };
    let mut verbs = JoinSet::new();
    let mut holder = Holder::of_commits(&url, "slow").await;
    verbs.spawn(create("slow"));
    holder.until_waiting(1).await;
    let fast = verbs.spawn(create("fast"));
    until_waiting_or_done(&mut holder, 2, &fast).await;
    let mut seen = since(&store, ChangeNumber(0)).await;
    holder.let_go().await;
    let both = verbs.join_all().await;
    let last = seen.last().map_or(ChangeNumber(0), |change| change.number);
    seen.extend(since(&store, last).await);
    for id in both {
        assert!(seen.iter().any(|change| change.subject == Subject::Cache(id)), "{id} is missed in {seen:?}");
    }
}
