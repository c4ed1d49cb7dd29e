//! The index of image snapshots.

use std::collections::BTreeSet;

use model::ImageSnapshotId;
use sqlx::SqliteConnection;

use super::page::after;
use crate::error::{failed, taken};
use crate::rows::{self, parse, signed};
use crate::{Order, PAGE_LIMIT, Page, Result, SnapshotRecord};

const RELEASE: &str = "DELETE FROM snapshots WHERE id = ?1 \
     AND NOT EXISTS (SELECT 1 FROM caches WHERE snapshot = ?1) \
     AND NOT EXISTS (SELECT 1 FROM cache_generations WHERE snapshot = ?1) \
     AND NOT EXISTS (SELECT 1 FROM instances WHERE snapshot = ?1) \
     AND NOT EXISTS (SELECT 1 FROM groups WHERE snapshot = ?1)";

const HELD: &str =
    "SELECT snapshot FROM instances UNION SELECT snapshot FROM groups WHERE snapshot IS NOT NULL";

const RETAINED: &str = "SELECT id FROM snapshots UNION SELECT snapshot FROM builds WHERE state IN ('Queued', 'Running') ORDER BY 1";

pub(super) async fn add(connection: &mut SqliteConnection, snapshot: &SnapshotRecord) -> Result<()> {
    let done = sqlx::query(
        "INSERT INTO snapshots (id, created, size, summary) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    )
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
    connection: &mut SqliteConnection,
    page: Page<ImageSnapshotId>,
) -> Result<Vec<SnapshotRecord>> {
    let statement = match page.order {
        Order::OldestFirst => "SELECT * FROM snapshots WHERE id > ? ORDER BY id LIMIT ?",
        Order::NewestFirst => "SELECT * FROM snapshots WHERE id < ? ORDER BY id DESC LIMIT ?",
    };
    let rows = sqlx::query(statement)
        .bind(after(page))
        .bind(i64::from(page.limit.min(PAGE_LIMIT)))
        .fetch_all(connection)
        .await
        .map_err(failed("find image snapshots"))?;
    rows.iter().map(rows::snapshot).collect()
}

/// Those that no cache serves.
pub(super) async fn find_unserved(
    connection: &mut SqliteConnection,
    page: Page<ImageSnapshotId>,
) -> Result<Vec<SnapshotRecord>> {
    let statement = match page.order {
        Order::OldestFirst => {
            "SELECT * FROM snapshots AS s WHERE id > ? \
             AND NOT EXISTS (SELECT 1 FROM caches WHERE snapshot = s.id) ORDER BY id LIMIT ?"
        }
        Order::NewestFirst => {
            "SELECT * FROM snapshots AS s WHERE id < ? \
             AND NOT EXISTS (SELECT 1 FROM caches WHERE snapshot = s.id) ORDER BY id DESC LIMIT ?"
        }
    };
    let rows = sqlx::query(statement)
        .bind(after(page))
        .bind(i64::from(page.limit.min(PAGE_LIMIT)))
        .fetch_all(connection)
        .await
        .map_err(failed("find image snapshots"))?;
    rows.iter().map(rows::snapshot).collect()
}

pub(super) async fn get(
    connection: &mut SqliteConnection,
    id: ImageSnapshotId,
) -> Result<Option<SnapshotRecord>> {
    let row = sqlx::query("SELECT * FROM snapshots WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed("read the image snapshot"))?;
    row.as_ref().map(rows::snapshot).transpose()
}

/// Drops those of the snapshots from the index that nobody names any more.
pub(super) async fn release(
    connection: &mut SqliteConnection,
    snapshots: &[ImageSnapshotId],
) -> Result<Vec<ImageSnapshotId>> {
    let mut released = Vec::new();
    for id in snapshots {
        let done = sqlx::query(RELEASE).bind(id.to_string()).execute(&mut *connection).await;
        if done.map_err(failed("release the image snapshot"))?.rows_affected() > 0 {
            released.push(*id);
        }
    }
    Ok(released)
}

pub(super) async fn retained(connection: &mut SqliteConnection) -> Result<Vec<ImageSnapshotId>> {
    ids(connection, RETAINED).await
}

pub(super) async fn held(connection: &mut SqliteConnection) -> Result<BTreeSet<ImageSnapshotId>> {
    let held = ids(connection, HELD).await?;
    Ok(held.into_iter().collect())
}

async fn ids(connection: &mut SqliteConnection, statement: &'static str) -> Result<Vec<ImageSnapshotId>> {
    let ids: Vec<String> = sqlx::query_scalar(statement)
        .fetch_all(connection)
        .await
        .map_err(failed("find the named snapshots"))?;
    ids.into_iter().map(|id| parse("id", &id)).collect()
}
