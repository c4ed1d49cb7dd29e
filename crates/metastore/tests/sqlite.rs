//! The conformance suite over SQLite, and what only a file can do: be opened twice, again, by others, broken, newer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::sync::Arc;

use metastore::conformance::faults::{check_invariants, fails_and_recovers};
use metastore::conformance::{
    account, at, build_of, cache_named, cache_of, create, create_waiting, event, failure, instance_of,
    process, ready_cache, snapshot_of, waiting_build_of, whole,
};
use metastore::verbs::*;
use metastore::{CacheFilter, Error, ErrorKind, NewBuild, Page, SqliteMetastore, Turns};
use model::{CacheState, EventReason, ExitStatus, Subject};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tempfile::TempDir;

async fn make() -> (SqliteMetastore, TempDir) {
    let dir = TempDir::new().unwrap();
    let store = SqliteMetastore::open(&dir.path().join("records.db")).await.unwrap();
    (store, dir)
}

metastore::metastore_conformance!(crate::make);

/// Does something to the file behind the metastore's back.
async fn behind(path: &Path, statement: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = options.connect().await.unwrap();
    connection.execute(statement).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn every_call_may_fail() {
    for is_done in [false, true] {
        let mut call = 0;
        loop {
            let (store, _dir) = make().await;
            if !fails_and_recovers(store, call, is_done).await {
                break;
            }
            call += 1;
        }
        assert!(call >= 10, "the script has more than {call} calls");
    }
}

#[tokio::test]
async fn a_failure_at_the_end_of_a_verb_undoes_its_beginning() {
    let (store, dir) = make().await;
    let cache = ready_cache(&store, "web", at(0)).await;
    let (ended, fresh) = (instance_of("ended", &cache, at(1)), instance_of("fresh", &cache, at(1)));
    store.create_instance(&ended, &[]).await.unwrap();
    store.instance_exited(ended.id, ExitStatus::Code(0), &[], at(2)).await.unwrap();
    let running = build_of(&cache, &process(1), at(2));
    store.begin_build(&running, &[]).await.unwrap();
    let idle = ready_cache(&store, "idle", at(0)).await;
    let other = cache_named("other", at(0));
    let other_build = waiting_build_of(&other, at(2));
    let idle_build: NewBuild = build_of(&idle, &process(1), at(2));
    // Events come last in every verb.
    behind(
        &dir.path().join("records.db"),
        "CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .await;
    let news = [event(Subject::Cache(cache.id), EventReason::Ready, "news", at(3))];
    let before = dump(&store).await;
    assert!(create(&store, &other, &other_build, &news).await.is_err());
    assert!(store.ask_deletion(cache.id, &news, at(3)).await.is_err());
    assert!(store.note_copies(cache.id, cache.snapshot.unwrap(), whole(), &news).await.is_err());
    assert!(store.lose_snapshot(idle.id, idle.snapshot.unwrap(), &failure(), &news, at(3)).await.is_err());
    assert!(store.cancel_build(running.id, &failure(), &news, at(3)).await.is_err());
    assert!(store.begin_build(&idle_build, &news).await.is_err());
    let owner = process(1);
    let snapshot = snapshot_of(&running, at(3));
    assert!(
        store.finish_build(running.id, &owner, &snapshot, whole(), Some(at(9)), &news, at(3)).await.is_err()
    );
    assert!(store.fail_build(running.id, &owner, &failure(), &news, at(3)).await.is_err());
    assert!(store.claim_build(running.id, &owner, &process(2), &news, at(3)).await.is_err());
    assert!(store.delete_cache(idle.id, &news).await.is_err());
    assert!(store.create_instance(&fresh, &news).await.is_err());
    let error = store.remove_instance(ended.id, &news).await.unwrap_err();
    assert!(matches!(error, Error::Database { action: "append an event", .. }), "{error:?}");
    assert_eq!(dump(&store).await, before);
    check_invariants(&store).await;
    store.remove_instance(ended.id, &[]).await.unwrap();
    assert_ne!(dump(&store).await, before, "the dump sees changes");
}

async fn dump(store: &SqliteMetastore) -> String {
    let caches = store.find_caches(&CacheFilter::default(), Page::first()).await.unwrap();
    let builds = store.running_builds(Page::first()).await.unwrap();
    let instances = store.find_instances(&metastore::InstanceFilter::default(), Page::first()).await.unwrap();
    let retained = store.retained_snapshots().await.unwrap();
    let newest = store.newest_change().await.unwrap();
    format!("{caches:#?}{builds:#?}{instances:#?}{retained:#?}{newest:?}")
}

#[tokio::test]
async fn records_survive_reopening() {
    let (store, dir) = make().await;
    let cache = ready_cache(&store, "web", at(0)).await;
    store.close().await;
    let again = SqliteMetastore::open(&dir.path().join("records.db")).await.unwrap();
    assert_eq!(again.cache(cache.id).await.unwrap(), cache);
}

#[tokio::test]
async fn newer_records_are_refused_and_left_alone() {
    let (store, dir) = make().await;
    store.close().await;
    let path = dir.path().join("records.db");
    behind(&path, "PRAGMA user_version = 99").await;
    let error = SqliteMetastore::open(&path).await.unwrap_err();
    assert!(matches!(error, Error::Version { found: 99, known: 7, .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("use a newer imc"), "{error}");
    behind(&path, "PRAGMA user_version = 7").await;
    SqliteMetastore::open(&path).await.unwrap();
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("records.db");
    let text = "not a database at all, ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let error = SqliteMetastore::open(&path).await.unwrap_err();
    assert!(matches!(error, Error::Open { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_broken_column_is_named() {
    let (store, dir) = make().await;
    let cache = ready_cache(&store, "web", at(0)).await;
    behind(&dir.path().join("records.db"), "UPDATE caches SET state = 'Sleeping'").await;
    let error = store.cache(cache.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("`Sleeping`"), "{error}");
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_an_error() {
    let dir = TempDir::new().unwrap();
    let error = SqliteMetastore::open(&dir.path().join("absent/records.db")).await.unwrap_err();
    assert!(matches!(error, Error::Open { .. }), "{error:?}");
}

#[tokio::test]
async fn only_the_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let (store, dir) = make().await;
    ready_cache(&store, "web", at(0)).await;
    for name in ["records.db", "records.db-wal"] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_open_a_fresh_file_at_once() {
    let dir = TempDir::new().unwrap();
    let path = Arc::new(dir.path().join("records.db"));
    let mut openings = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let path = path.clone();
        openings.spawn(async move { SqliteMetastore::open(&path).await });
    }
    let mut opened = 0;
    while let Some(store) = openings.join_next().await {
        ready_cache(&store.unwrap().unwrap(), "web", at(0)).await;
        opened += 1;
    }
    assert_eq!(opened, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_open_files_write_in_turns_and_one_build_wins() {
    let (first, dir) = make().await;
    let second = SqliteMetastore::open(&dir.path().join("records.db")).await.unwrap();
    let stores = [Arc::new(first), Arc::new(second)];
    for round in 0..10 {
        let cache = ready_cache(&*stores[0], "web", at(round)).await;
        let mut attempts = tokio::task::JoinSet::new();
        for pid in 0..4 {
            let store = stores[(pid % 2) as usize].clone();
            let build = build_of(&cache, &process(pid), at(round));
            attempts.spawn(async move { store.begin_build(&build, &[]).await });
        }
        let outcomes = attempts.join_all().await;
        let begun = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(begun, 1, "{outcomes:?}");
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert!(matches!(error, Error::CacheBuilding { .. }), "{error:?}");
        }
        assert_eq!(stores[1].cache(cache.id).await.unwrap().state, CacheState::Updating);
    }
    check_invariants(&*stores[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_a_fresh_file_beside_others_is_never_busy() {
    let dir = TempDir::new().unwrap();
    for round in 0..40 {
        let path = dir.path().join(format!("{round}.db"));
        let mut opening = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let path = path.clone();
            opening.spawn(async move { SqliteMetastore::open(&path).await.unwrap().close().await });
        }
        while let Some(opened) = opening.join_next().await {
            opened.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_tasks_over_two_open_files_take_each_build_once() {
    let (first, dir) = make().await;
    let second = SqliteMetastore::open(&dir.path().join("records.db")).await.unwrap();
    let stores = [Arc::new(first), Arc::new(second)];
    let mut queued = Vec::new();
    for owner in ["a", "b", "c"] {
        for second in 0..10 {
            let cache = cache_of(&account(owner), "web", at(second));
            queued.push(create_waiting(&*stores[0], &cache).await.1.id);
        }
    }
    let mut workers = tokio::task::JoinSet::new();
    for pid in 0..8 {
        let store = stores[(pid % 2) as usize].clone();
        workers.spawn(async move {
            let mut taken = Vec::new();
            let turns = Turns { per_account: 100 };
            while let Some(build) = store.take_queued_build(&process(pid), turns, at(20)).await.unwrap() {
                taken.push(build.id);
            }
            taken
        });
    }
    let mut taken = workers.join_all().await.concat();
    taken.sort_unstable();
    queued.sort_unstable();
    assert_eq!(taken, queued);
    check_invariants(&*stores[1]).await;
}
