//! The schema's versions. The table `schema_version` says which one a database has.
//!
//! Any number of servers may start at once: whoever finds the schema old takes a lock, looks again, and applies what is missing
//! in one transaction.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::{PostgresUrl, locks};
use crate::{Error, Result};

/// The scripts, oldest first. A script that was released never changes.
const SCRIPTS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_records.sql"),
    include_str!("../../migrations/postgres/0002_clouds.sql"),
    include_str!("../../migrations/postgres/0003_usage.sql"),
    include_str!("../../migrations/postgres/0004_groups.sql"),
    include_str!("../../migrations/postgres/0005_answers.sql"),
    include_str!("../../migrations/postgres/0006_store.sql"),
];

/// The newest version known here.
pub(super) const VERSION: i64 = SCRIPTS.len() as i64;

const IS_THERE: &str = "SELECT to_regclass('schema_version') IS NOT NULL";

/// Brings the database to [`VERSION`]. Where that fails, the connection must be closed: it may have the lock.
pub(super) async fn migrate(connection: &mut PgConnection, url: &PostgresUrl) -> Result<()> {
    let failed = |source| Error::Open { records: url.to_string(), source };
    // Nearly always: nothing to do, and no lock taken.
    if version(connection).await.map_err(failed)? == VERSION {
        return Ok(());
    }
    // Around the transaction, which would not see in its middle that another has made the tables.
    locks::schema(connection).await.map_err(failed)?;
    apply(connection, url).await?;
    locks::schema_done(connection).await.map_err(failed)
}

async fn apply(connection: &mut PgConnection, url: &PostgresUrl) -> Result<()> {
    let failed = |source| Error::Open { records: url.to_string(), source };
    let mut transaction = connection.begin().await.map_err(failed)?;
    let found = version(&mut transaction).await.map_err(failed)?;
    if !(0..=VERSION).contains(&found) {
        return Err(Error::Version { records: url.to_string(), found, known: VERSION });
    }
    let applied = usize::try_from(found).expect("from 0 to the number of scripts");
    for (script, number) in SCRIPTS.iter().zip(1_u32..).skip(applied) {
        transaction.execute(*script).await.map_err(failed)?;
        let mark = format!("UPDATE schema_version SET version = {number}");
        transaction.execute(AssertSqlSafe(mark)).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

async fn version(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    if !sqlx::query_scalar(IS_THERE).fetch_one(&mut *connection).await? {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT version FROM schema_version").fetch_one(connection).await
}
