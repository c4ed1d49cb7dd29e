//! Locks. All but those of the snapshots are no row's; all but one hold until the end of their transaction; their numbers are ours alone in the database.

use model::{AccountId, ImageSnapshotId};
use sqlx::{PgConnection, Postgres};

use super::dialect;
use crate::Result;
use crate::error::failed;

/// The first half of every lock's number: `imc` and what it is for.
#[derive(Clone, Copy)]
enum Space {
    Schema = 0x696d_6301,
    Turns = 0x696d_6302,
    Account = 0x696d_6303,
    Changes = 0x696d_6304,
}

const LOCK: &str = "SELECT pg_advisory_xact_lock($1, hashtext($2))";
const LOCK_BEYOND: &str = "SELECT pg_advisory_lock($1, hashtext($2))";
const UNLOCK: &str = "SELECT pg_advisory_unlock($1, hashtext($2))";

type Statement = sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments>;

fn statement(text: &'static str, space: Space, word: &str) -> Statement {
    sqlx::query(text).bind(space as i32).bind(word.to_owned())
}

/// Bringing the schema up to date. It holds until [`schema_done`] or the end of the connection.
pub(super) async fn schema(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    statement(LOCK_BEYOND, Space::Schema, "").execute(connection).await.map(drop)
}

/// The schema is up to date.
pub(super) async fn schema_done(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    statement(UNLOCK, Space::Schema, "").execute(connection).await.map(drop)
}

/// Choosing the next build.
pub(super) async fn turns(connection: &mut PgConnection) -> Result<()> {
    let locked = statement(LOCK, Space::Turns, "").execute(connection).await;
    locked.map(drop).map_err(failed("wait for the choice of a build"))
}

/// What is counted of an account: its caches, its names, its client tokens. Two accounts may share a lock.
pub(super) async fn account(connection: &mut PgConnection, account: &AccountId) -> Result<()> {
    let locked = statement(LOCK, Space::Account, account.as_str()).execute(connection).await;
    locked.map(drop).map_err(failed("wait for the account"))
}

const SNAPSHOTS: &str = "SELECT id FROM snapshots WHERE id = ANY($1) ORDER BY id FOR UPDATE";

/// From now on nobody else begins to hold these snapshots, or lets them go.
pub(super) async fn snapshots(connection: &mut PgConnection, ids: &[ImageSnapshotId]) -> Result<()> {
    let done = sqlx::query(SNAPSHOTS).bind(dialect::list(ids)).execute(connection).await;
    done.map(drop).map_err(failed("wait for the image snapshot"))
}

/// Writing changes, and committing them.
pub(super) async fn changes(connection: &mut PgConnection) -> Result<()> {
    let locked = statement(LOCK, Space::Changes, "").execute(connection).await;
    locked.map(drop).map_err(failed("wait for the changes"))
}
