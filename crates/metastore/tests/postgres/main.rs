//! The conformance suite over PostgreSQL, and what only a server can do: serve several at once, break connections, be stopped.
//! Where PostgreSQL is not installed, all of it is skipped with a word.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod contention;
mod holder;
mod order;
mod schema;
mod server;

use metastore::conformance::faults::fails_and_recovers;
use metastore::{PostgresMetastore, PostgresSettings, PostgresUrl};
use testkit::Postgres;
use tokio::sync::OnceCell;

/// A database with the records' tables and no record, which each test has a copy of.
const TEMPLATE: &str = "records";

fn is_installed() -> bool {
    Postgres::is_installed()
}

/// Few connections for each of the many tests at once.
fn settings() -> PostgresSettings {
    PostgresSettings { connections: 8, ..PostgresSettings::default() }
}

async fn connect(url: &str) -> PostgresMetastore {
    connect_with(url, settings()).await
}

async fn connect_with(url: &str, settings: PostgresSettings) -> PostgresMetastore {
    let url: PostgresUrl = url.parse().unwrap();
    PostgresMetastore::connect(&url, settings).await.unwrap()
}

/// The URL of a fresh database with the records' tables; `None` where PostgreSQL is not installed.
async fn fresh() -> Option<String> {
    static MADE: OnceCell<()> = OnceCell::const_new();
    let server = Postgres::shared()?;
    let made = MADE.get_or_init(async || {
        let url = server.create_database_named(TEMPLATE, None);
        connect(&url).await.close().await;
    });
    made.await;
    Some(server.create_database(Some(TEMPLATE)))
}

async fn make() -> (PostgresMetastore, ()) {
    (connect(&fresh().await.expect("looked for beforehand")).await, ())
}

metastore::metastore_conformance!(crate::make, if crate::is_installed);

#[tokio::test]
async fn every_call_may_fail() {
    // What is wound up leaves a database as good as fresh.
    let Some(url) = fresh().await else { return };
    for is_done in [false, true] {
        let mut call = 0;
        while fails_and_recovers(connect(&url).await, call, is_done).await {
            call += 1;
        }
        assert!(call >= 10, "the script has more than {call} calls");
    }
}
