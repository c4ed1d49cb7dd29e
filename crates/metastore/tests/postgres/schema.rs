//! The tables: made once, refused where newer, named where broken.

use std::error::Error as _;

use metastore::conformance::{at, ready_cache};
use metastore::verbs::*;
use metastore::{Error, ErrorKind, PostgresMetastore, PostgresUrl};
use sqlx::{Connection as _, Executor as _, PgConnection};
use testkit::Postgres;

use super::{connect, fresh, settings};

/// Does something to the database behind the metastore's back.
async fn behind(url: &str, statement: &'static str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection.execute(statement).await.unwrap();
    connection.close().await.unwrap();
}

async fn refused(url: &str) -> Error {
    let url: PostgresUrl = url.parse().unwrap();
    PostgresMetastore::connect(&url, settings()).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_connect_to_an_empty_database_at_once() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.create_database(None);
    let mut connecting = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let url = url.clone();
        connecting.spawn(async move { connect(&url).await });
    }
    for store in connecting.join_all().await {
        ready_cache(&store, "web", at(0)).await;
    }
}

#[tokio::test]
async fn newer_records_are_refused_and_left_alone() {
    let Some(url) = fresh().await else { return };
    behind(&url, "UPDATE schema_version SET version = 99").await;
    let error = refused(&url).await;
    assert!(matches!(error, Error::Version { found: 99, known: 6, .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("use a newer imc"), "{error}");
    behind(&url, "UPDATE schema_version SET version = 6").await;
    connect(&url).await;
}

#[tokio::test]
async fn a_broken_column_is_named() {
    let Some(url) = fresh().await else { return };
    let store = connect(&url).await;
    let cache = ready_cache(&store, "web", at(0)).await;
    behind(&url, "UPDATE caches SET state = 'Sleeping'").await;
    let error = store.cache(cache.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("`Sleeping`"), "{error}");
}

#[tokio::test]
async fn records_may_be_in_a_schema_of_their_own() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.create_database(None);
    behind(&url, "CREATE SCHEMA apart").await;
    let apart = connect(&format!("{url}&options=-csearch_path%3Dapart")).await;
    let cache = ready_cache(&apart, "web", at(0)).await;
    assert!(connect(&url).await.cache(cache.id).await.is_err(), "the tables in `public` are others");
    assert!(apart.cache(cache.id).await.is_ok());
}

#[tokio::test]
async fn what_cannot_be_opened_is_named_without_its_password() {
    let Some(server) = Postgres::shared() else { return };
    let password = "hunter2";
    let there = server.url("nothing-of-this-name");
    for url in [
        format!("postgres:///records?host=/nowhere&user=imc&password={password}"),
        format!("{there}&password={password}"),
        format!("postgres://imc:{password}@127.0.0.1:1/records"),
    ] {
        let error = refused(&url).await;
        assert!(matches!(error, Error::Open { .. }), "{error:?}");
        let chain = format!("{error} {} {error:?}", error.source().unwrap());
        assert!(!chain.contains(password), "{chain}");
        assert!(
            chain.contains("postgres://imc@127.0.0.1:1/records") || chain.contains("&user=imc"),
            "{chain}"
        );
    }
}
