//! The schema's versions. `PRAGMA user_version` says which one a database has.
//!
//! sqlx's own migrator takes no lock in SQLite, so two processes that open a fresh database would both apply the first
//! script. Ours looks and applies in one immediate transaction; only one process at a time is in it.

use std::path::Path;

use sqlx::{Connection as _, Executor as _, SqliteConnection};

use crate::{Error, Result};

/// The scripts, oldest first. A script that was released never changes.
const SCRIPTS: &[&str] = &[
    include_str!("../../migrations/0001_records.sql"),
    include_str!("../../migrations/0002_life.sql"),
    include_str!("../../migrations/0003_clouds.sql"),
    include_str!("../../migrations/0004_usage.sql"),
    include_str!("../../migrations/0005_groups.sql"),
    include_str!("../../migrations/0006_answers.sql"),
    include_str!("../../migrations/0007_store.sql"),
];

/// The newest version known here.
pub(super) const VERSION: i64 = SCRIPTS.len() as i64;

/// Brings the database to [`VERSION`].
pub(super) async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<()> {
    let failed = |source| Error::Open { records: path.display().to_string(), source };
    // Nearly always: nothing to do, and no lock taken.
    if version(connection).await.map_err(failed)? == VERSION {
        return Ok(());
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let found = version(&mut transaction).await.map_err(failed)?;
    if !(0..=VERSION).contains(&found) {
        return Err(Error::Version { records: path.display().to_string(), found, known: VERSION });
    }
    let applied = usize::try_from(found).expect("from 0 to the number of scripts");
    for (script, number) in SCRIPTS.iter().zip(1_u32..).skip(applied) {
        transaction.execute(*script).await.map_err(failed)?;
        let mark = format!("PRAGMA user_version = {number}");
        transaction.execute(sqlx::AssertSqlSafe(mark)).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await
}
