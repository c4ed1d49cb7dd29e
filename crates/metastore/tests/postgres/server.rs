//! Connections that break, servers that stop, locks that are not given back.

use metastore::conformance::faults::check_invariants;
use metastore::conformance::{at, build_of, event, process, ready_cache, snapshot_of, whole};
use metastore::verbs::*;
use metastore::{ErrorKind, PostgresMetastore, PostgresSettings};
use model::{CacheState, EventReason, ImageCache, Subject};
use sqlx::{Connection as _, Executor as _, PgConnection};
use testkit::{Postgres, Stop};

use super::holder::Holder;
use super::{connect, connect_with, fresh, settings};

/// A fresh database's URL, the records there, and a cache in them; `None` where PostgreSQL is not installed.
async fn with_cache() -> Option<(String, PostgresMetastore, ImageCache)> {
    let url = fresh().await?;
    let store = connect(&url).await;
    let cache = ready_cache(&store, "web", at(0)).await;
    Some((url, store, cache))
}

/// Begins a build, which must wait for the cache's row, and gives what became of it.
async fn begin(store: &PostgresMetastore, cache: &ImageCache) -> metastore::Result<ImageCache> {
    let news = event(Subject::Cache(cache.id), EventReason::BuildStarted, "begun", at(1));
    store.begin_build(&build_of(cache, &process(1), at(1)), &[news]).await
}

async fn is_untouched(store: &PostgresMetastore, cache: &ImageCache) {
    assert_eq!(store.cache(cache.id).await.unwrap(), *cache);
    assert_eq!(store.events(Subject::Cache(cache.id)).await.unwrap(), []);
    check_invariants(store).await;
}

#[tokio::test]
async fn a_connection_broken_in_the_middle_undoes_the_verb_and_the_next_one_works() {
    let Some((url, store, cache)) = with_cache().await else { return };
    let mut holder = Holder::of_cache(&url, cache.id).await;
    let (outcome, ()) = tokio::join!(begin(&store, &cache), async {
        holder.until_waiting(1).await;
        holder.break_those_who_wait().await;
    });
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Io);
    holder.let_go().await;
    is_untouched(&store, &cache).await;
    assert_eq!(begin(&store, &cache).await.unwrap().state, CacheState::Updating);
}

#[tokio::test]
async fn idle_connections_that_broke_are_not_noticed() {
    let Some((url, store, cache)) = with_cache().await else { return };
    let mut other = PgConnection::connect(&url).await.unwrap();
    let broken = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()";
    other.execute(broken).await.unwrap();
    assert_eq!(store.cache(cache.id).await.unwrap(), cache);
    begin(&store, &cache).await.unwrap();
}

#[tokio::test]
async fn a_lock_that_is_not_given_back_is_busy() {
    let Some((url, store, cache)) = with_cache().await else { return };
    let holder = Holder::of_cache(&url, cache.id).await;
    let impatient = connect_with(&url, PostgresSettings { lock_timeout_seconds: 1, ..settings() }).await;
    let error = begin(&impatient, &cache).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
    assert_eq!(store.cache(cache.id).await.unwrap(), cache, "readers do not wait");
    holder.let_go().await;
    is_untouched(&store, &cache).await;
}

#[tokio::test]
async fn no_verb_takes_longer_than_it_may() {
    let Some((url, store, cache)) = with_cache().await else { return };
    let holder = Holder::of_cache(&url, cache.id).await;
    let impatient = connect_with(&url, PostgresSettings { verb_timeout_seconds: 1, ..settings() }).await;
    let error = begin(&impatient, &cache).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
    holder.let_go().await;
    is_untouched(&store, &cache).await;
}

#[tokio::test]
async fn a_verb_that_nobody_waits_for_any_more_does_nothing() {
    let Some((url, store, cache)) = with_cache().await else { return };
    let mut holder = Holder::of_cache(&url, cache.id).await;
    tokio::select! {
        _ = begin(&store, &cache) => panic!("it has to wait"),
        () = holder.until_waiting(1) => {}
    }
    holder.let_go().await;
    is_untouched(&store, &cache).await;
    begin(&store, &cache).await.unwrap();
}

#[tokio::test]
async fn what_is_durable_outlives_the_server() {
    let Some(mut server) = Postgres::start() else { return };
    let url = server.create_database(None);
    let store = connect(&url).await;
    let impatient = connect_with(&url, PostgresSettings { connect_timeout_seconds: 1, ..settings() }).await;
    let cache = ready_cache(&store, "web", at(0)).await;
    let build = build_of(&cache, &process(1), at(1));
    for how in [Stop::Immediate, Stop::Fast] {
        server.stop(how);
        let error = impatient.cache(cache.id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
        server.start_again();
        assert_eq!(store.cache(cache.id).await.unwrap(), cache);
        check_invariants(&store).await;
    }
    store.begin_build(&build, &[]).await.unwrap();
    server.stop(Stop::Immediate);
    server.start_again();
    let again = connect(&url).await;
    let snapshot = snapshot_of(&build, at(2));
    let change = again.finish_build(build.id, &process(1), &snapshot, whole(), None, &[], at(2)).await;
    assert_eq!(change.unwrap().cache.state, CacheState::Ready);
}
