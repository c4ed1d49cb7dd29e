//! Caches and the snapshots that they name.

use model::{CacheId, CacheName, ImageCache, ImageSnapshotId, InstanceName, Timestamp};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::columns::{
    after, failed, failure, json, optional_parsed, optional_time, optional_unsigned, parse_text, parsed,
    signed, size, time, to_json,
};
use crate::{
    CacheChange, CacheFilter, CacheRef, Error, OTHERS_LIMIT, PAGE_LIMIT, Page, ResolvedCache, Result,
    SnapshotRecord, rules,
};

const INSERT: &str = "INSERT INTO caches (id, name, state, images, platform, size_limit, snapshot, unpacked_size, \
     failure_reason, failure_message, created, updated, last_used) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
     ON CONFLICT (id) DO NOTHING";

const SAVE: &str = "UPDATE caches SET state = ?, snapshot = ?, unpacked_size = ?, failure_reason = ?, \
     failure_message = ?, updated = ? WHERE id = ?";

const FIND: &str = "SELECT * FROM caches WHERE id > ?1 AND (?2 IS NULL OR name = ?2) \
     AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR snapshot = ?4) ORDER BY id LIMIT ?5";

const NEWEST_OF_NAME: &str = "SELECT * FROM caches WHERE name = ? \
     ORDER BY state IN ('Ready', 'Updating', 'UpdateFailed') DESC, created DESC, id DESC LIMIT 1";

const OTHERS_OF_NAME: &str =
    "SELECT id FROM caches WHERE name = ? AND id <> ? ORDER BY created DESC, id DESC LIMIT ?";

const RELEASE: &str = "DELETE FROM snapshots WHERE id = ?1 \
     AND NOT EXISTS (SELECT 1 FROM caches WHERE snapshot = ?1) \
     AND NOT EXISTS (SELECT 1 FROM instances WHERE snapshot = ?1)";

const RETAINED: &str =
    "SELECT id FROM snapshots UNION SELECT snapshot FROM builds WHERE state = 'Running' ORDER BY 1";

fn read(row: &SqliteRow) -> Result<ImageCache> {
    Ok(ImageCache {
        id: parsed(row, "id")?,
        name: parsed(row, "name")?,
        state: parsed(row, "state")?,
        images: json(row, "images")?,
        platform: json(row, "platform")?,
        size_limit: size(row, "size_limit")?,
        snapshot: optional_parsed(row, "snapshot")?,
        unpacked_size: optional_unsigned(row, "unpacked_size")?.map(model::ByteSize::bytes),
        failure: failure(row)?,
        created: time(row, "created")?,
        updated: time(row, "updated")?,
        last_used: optional_time(row, "last_used")?,
    })
}

pub(super) async fn create(connection: &mut SqliteConnection, cache: &ImageCache) -> Result<()> {
    rules::check_new_cache(cache)?;
    let unpacked = cache.unpacked_size.map(|size| signed("unpacked size", size.as_u64())).transpose()?;
    let done = sqlx::query(INSERT)
        .bind(cache.id.to_string())
        .bind(cache.name.as_str())
        .bind(cache.state.as_str())
        .bind(to_json(&cache.images))
        .bind(to_json(&cache.platform))
        .bind(signed("size limit", cache.size_limit.as_u64())?)
        .bind(cache.snapshot.map(|id| id.to_string()))
        .bind(unpacked)
        .bind(cache.failure.as_ref().map(|failure| failure.reason.clone()))
        .bind(cache.failure.as_ref().map(|failure| failure.message.clone()))
        .bind(cache.created.as_micros())
        .bind(cache.updated.as_micros())
        .bind(cache.last_used.map(Timestamp::as_micros))
        .execute(connection)
        .await
        .map_err(failed("record the cache"))?;
    if done.rows_affected() == 0 {
        return Err(Error::Conflict { object: "cache", why: format!("the id {} is taken", cache.id) });
    }
    Ok(())
}

/// Writes what a step of the cache's life changes.
pub(super) async fn save(connection: &mut SqliteConnection, cache: &ImageCache) -> Result<()> {
    let unpacked = cache.unpacked_size.map(|size| signed("unpacked size", size.as_u64())).transpose()?;
    sqlx::query(SAVE)
        .bind(cache.state.as_str())
        .bind(cache.snapshot.map(|id| id.to_string()))
        .bind(unpacked)
        .bind(cache.failure.as_ref().map(|failure| failure.reason.clone()))
        .bind(cache.failure.as_ref().map(|failure| failure.message.clone()))
        .bind(cache.updated.as_micros())
        .bind(cache.id.to_string())
        .execute(connection)
        .await
        .map_err(failed("change the cache"))?;
    Ok(())
}

pub(super) async fn get(connection: &mut SqliteConnection, id: CacheId) -> Result<ImageCache> {
    let row = sqlx::query("SELECT * FROM caches WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed("read the cache"))?;
    row.as_ref().map(read).transpose()?.ok_or(Error::NoCache(id))
}

pub(super) async fn resolve(connection: &mut SqliteConnection, wanted: &CacheRef) -> Result<ResolvedCache> {
    match wanted {
        CacheRef::Id(id) => Ok(ResolvedCache { cache: get(connection, *id).await?, others: Vec::new() }),
        CacheRef::Name(name) => resolve_name(connection, name).await,
    }
}

async fn resolve_name(connection: &mut SqliteConnection, name: &CacheName) -> Result<ResolvedCache> {
    let newest = sqlx::query(NEWEST_OF_NAME).bind(name.as_str()).fetch_optional(&mut *connection).await;
    let newest = newest.map_err(failed("find the cache by name"))?;
    let cache = newest.as_ref().map(read).transpose()?.ok_or_else(|| Error::NoCacheOfName(name.clone()))?;
    let others: Vec<String> = sqlx::query_scalar(OTHERS_OF_NAME)
        .bind(name.as_str())
        .bind(cache.id.to_string())
        .bind(i64::from(OTHERS_LIMIT))
        .fetch_all(connection)
        .await
        .map_err(failed("find the caches of the name"))?;
    let others = others.into_iter().map(|id| parse_text("id", id)).collect::<Result<_>>()?;
    Ok(ResolvedCache { cache, others })
}

pub(super) async fn find(
    connection: &mut SqliteConnection,
    filter: &CacheFilter,
    page: Page<CacheId>,
) -> Result<Vec<ImageCache>> {
    let rows = sqlx::query(FIND)
        .bind(after(page.after))
        .bind(filter.name.as_ref().map(|name| name.as_str().to_owned()))
        .bind(filter.state.map(model::CacheState::as_str))
        .bind(filter.snapshot.map(|id| id.to_string()))
        .bind(i64::from(page.limit.min(PAGE_LIMIT)))
        .fetch_all(connection)
        .await
        .map_err(failed("find caches"))?;
    rows.iter().map(read).collect()
}

pub(super) async fn touch(connection: &mut SqliteConnection, id: CacheId, now: Timestamp) -> Result<()> {
    let done = sqlx::query("UPDATE caches SET last_used = max(coalesce(last_used, ?1), ?1) WHERE id = ?2")
        .bind(now.as_micros())
        .bind(id.to_string())
        .execute(connection)
        .await
        .map_err(failed("note the cache's use"))?;
    if done.rows_affected() == 0 { Err(Error::NoCache(id)) } else { Ok(()) }
}

pub(super) async fn delete(connection: &mut SqliteConnection, id: CacheId) -> Result<CacheChange> {
    let cache = get(connection, id).await?;
    if let Some(build) = super::builds::running_of(connection, id).await? {
        return Err(Error::CacheBuilding { cache: id, build });
    }
    let instances = holders(connection, cache.snapshot).await?;
    if !instances.is_empty() {
        return Err(Error::CacheInUse { cache: id, instances });
    }
    sqlx::query("DELETE FROM caches WHERE id = ?")
        .bind(id.to_string())
        .execute(&mut *connection)
        .await
        .map_err(failed("delete the cache"))?;
    let released = release(connection, cache.snapshot).await?;
    Ok(CacheChange { cache, released })
}

/// Instances that hold the snapshot, some of them.
async fn holders(
    connection: &mut SqliteConnection,
    snapshot: Option<ImageSnapshotId>,
) -> Result<Vec<InstanceName>> {
    let Some(snapshot) = snapshot else { return Ok(Vec::new()) };
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM instances WHERE snapshot = ? ORDER BY name LIMIT ?")
            .bind(snapshot.to_string())
            .bind(i64::from(OTHERS_LIMIT))
            .fetch_all(connection)
            .await
            .map_err(failed("find the instances of the snapshot"))?;
    names.into_iter().map(|name| parse_text("name", name)).collect()
}

/// Drops a snapshot from the index where nobody names it any more.
pub(super) async fn release(
    connection: &mut SqliteConnection,
    snapshot: Option<ImageSnapshotId>,
) -> Result<Option<ImageSnapshotId>> {
    let Some(id) = snapshot else { return Ok(None) };
    let done = sqlx::query(RELEASE).bind(id.to_string()).execute(connection).await;
    let released = done.map_err(failed("release the image snapshot"))?.rows_affected() > 0;
    Ok(released.then_some(id))
}

pub(super) async fn add_snapshot(connection: &mut SqliteConnection, snapshot: &SnapshotRecord) -> Result<()> {
    sqlx::query("INSERT INTO snapshots (id, created, size) VALUES (?, ?, ?)")
        .bind(snapshot.id.to_string())
        .bind(snapshot.created.as_micros())
        .bind(signed("snapshot's size", snapshot.size.as_u64())?)
        .execute(connection)
        .await
        .map_err(failed("index the image snapshot"))?;
    Ok(())
}

pub(super) async fn snapshot(
    connection: &mut SqliteConnection,
    id: ImageSnapshotId,
) -> Result<Option<SnapshotRecord>> {
    let row = sqlx::query("SELECT * FROM snapshots WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed("read the image snapshot"))?;
    row.map(|row| Ok(SnapshotRecord { id, created: time(&row, "created")?, size: size(&row, "size")? }))
        .transpose()
}

pub(super) async fn retained(connection: &mut SqliteConnection) -> Result<Vec<ImageSnapshotId>> {
    let ids: Vec<String> = sqlx::query_scalar(RETAINED)
        .fetch_all(connection)
        .await
        .map_err(failed("find the retained snapshots"))?;
    ids.into_iter().map(|id| parse_text("id", id)).collect()
}
