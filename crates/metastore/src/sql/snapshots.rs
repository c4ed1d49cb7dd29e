//! Image snapshots: indexed as long as somebody names them.

use std::collections::BTreeSet;

use model::{CacheId, ImageSnapshotId, InstanceName, StoreId};

use super::pages::{Statement, push_page};
use super::{Connection, dialect, locks};
use crate::error::{failed, taken};
use crate::rows::{self, parse, signed};
use crate::{OTHERS_LIMIT, Page, Result, SnapshotRecord};

const HOLD: &str = concat!("SELECT id FROM snapshots WHERE id = $1", for_key_share!());

const INSERT: &str = "INSERT INTO snapshots (id, created, size, summary) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (id) DO NOTHING";

const RELEASE: &str = concat!(
    "DELETE FROM snapshots WHERE id ",
    among!(1),
    " AND NOT EXISTS (SELECT 1 FROM caches WHERE caches.snapshot = snapshots.id) \
     AND NOT EXISTS (SELECT 1 FROM cache_generations WHERE cache_generations.snapshot = snapshots.id) \
     AND NOT EXISTS (SELECT 1 FROM instances WHERE instances.snapshot = snapshots.id) \
     AND NOT EXISTS (SELECT 1 FROM groups WHERE groups.snapshot = snapshots.id) RETURNING id"
);

const HELD: &str =
    "SELECT snapshot FROM instances UNION SELECT snapshot FROM groups WHERE snapshot IS NOT NULL";

const RETAINED: &str = "SELECT id FROM snapshots \
     UNION SELECT snapshot FROM builds WHERE state IN ('Queued', 'Running') ORDER BY 1";

const BIND_STORE: &str = "INSERT INTO store (one, id) VALUES (1, $1) ON CONFLICT (one) DO NOTHING";

const HOLDERS: &str = "SELECT name FROM instances WHERE snapshot IN \
     (SELECT snapshot FROM caches WHERE id = $1 UNION ALL SELECT snapshot FROM cache_generations WHERE cache = $1) \
     ORDER BY name LIMIT $2";

/// Which store the records are about, where it was said.
pub(super) async fn store(connection: &mut Connection) -> Result<Option<StoreId>> {
    let query = sqlx::query_scalar::<_, String>("SELECT id FROM store");
    let id = query.fetch_optional(connection).await.map_err(failed("find the records' store"))?;
    id.map(|id| parse("store", &id)).transpose()
}

/// Says it where it was not said; what is said now.
pub(super) async fn bind_store(connection: &mut Connection, id: StoreId) -> Result<StoreId> {
    sqlx::query(BIND_STORE)
        .bind(id.to_string())
        .execute(&mut *connection)
        .await
        .map_err(failed("bind the records to their store"))?;
    Ok(store(connection).await?.unwrap_or(id))
}

/// Whether the snapshot is there; it stays until the end of the verb.
pub(super) async fn is_held(connection: &mut Connection, id: ImageSnapshotId) -> Result<bool> {
    let query = sqlx::query(HOLD).bind(id.to_string());
    let row = query.fetch_optional(connection).await.map_err(failed("hold the image snapshot"))?;
    Ok(row.is_some())
}

pub(super) async fn add(connection: &mut Connection, snapshot: &SnapshotRecord) -> Result<()> {
    let done = sqlx::query(INSERT)
        .bind(snapshot.id.to_string())
        .bind(snapshot.created.as_micros())
        .bind(signed("snapshot's size", snapshot.size.as_u64())?)
        .bind(snapshot.summary.to_bytes())
        .execute(connection)
        .await
        .map_err(failed("index the image snapshot"))?;
    if done.rows_affected() == 0 { Err(taken("image snapshot", snapshot.id)) } else { Ok(()) }
}

pub(super) async fn find(
    connection: &mut Connection,
    page: Page<ImageSnapshotId>,
) -> Result<Vec<SnapshotRecord>> {
    let mut statement = Statement::new("SELECT * FROM snapshots WHERE true");
    push_page(&mut statement, &page);
    let rows = statement.build().fetch_all(connection).await.map_err(failed("find image snapshots"))?;
    rows.iter().map(rows::snapshot).collect()
}

/// Those that no cache serves.
pub(super) async fn find_unserved(
    connection: &mut Connection,
    page: Page<ImageSnapshotId>,
) -> Result<Vec<SnapshotRecord>> {
    let mut statement = Statement::new(
        "SELECT * FROM snapshots WHERE NOT EXISTS (SELECT 1 FROM caches WHERE caches.snapshot = snapshots.id)",
    );
    push_page(&mut statement, &page);
    let rows = statement.build().fetch_all(connection).await.map_err(failed("find image snapshots"))?;
    rows.iter().map(rows::snapshot).collect()
}

/// Drops those of the snapshots from the index that nobody names any more.
pub(super) async fn release(
    connection: &mut Connection,
    ids: &[ImageSnapshotId],
) -> Result<Vec<ImageSnapshotId>> {
    // Apart from the deletion, which must see what those did that had them locked.
    locks::snapshots(connection, ids).await?;
    let gone: Vec<String> = sqlx::query_scalar(RELEASE)
        .bind(dialect::list(ids))
        .fetch_all(connection)
        .await
        .map_err(failed("release the image snapshots"))?;
    Ok(ids.iter().copied().filter(|id| gone.contains(&id.to_string())).collect())
}

pub(super) async fn get(connection: &mut Connection, id: ImageSnapshotId) -> Result<Option<SnapshotRecord>> {
    let query = sqlx::query("SELECT * FROM snapshots WHERE id = $1").bind(id.to_string());
    let row = query.fetch_optional(connection).await.map_err(failed("read the image snapshot"))?;
    row.as_ref().map(rows::snapshot).transpose()
}

/// Instances that hold a snapshot that the cache names, some of them.
pub(super) async fn holders(connection: &mut Connection, cache: CacheId) -> Result<Vec<InstanceName>> {
    let names: Vec<String> = sqlx::query_scalar(HOLDERS)
        .bind(cache.to_string())
        .bind(i64::from(OTHERS_LIMIT))
        .fetch_all(connection)
        .await
        .map_err(failed("find the instances of the cache's snapshots"))?;
    names.into_iter().map(|name| parse("name", &name)).collect()
}

pub(super) async fn retained(connection: &mut Connection) -> Result<Vec<ImageSnapshotId>> {
    ids(connection, RETAINED, "find the retained snapshots").await
}

pub(super) async fn held(connection: &mut Connection) -> Result<BTreeSet<ImageSnapshotId>> {
    let held = ids(connection, HELD, "find the held snapshots").await?;
    Ok(held.into_iter().collect())
}

async fn ids(
    connection: &mut Connection,
    statement: &'static str,
    action: &'static str,
) -> Result<Vec<ImageSnapshotId>> {
    let ids: Vec<String> =
        sqlx::query_scalar(statement).fetch_all(connection).await.map_err(failed(action))?;
    ids.into_iter().map(|id| parse("snapshot", &id)).collect()
}
