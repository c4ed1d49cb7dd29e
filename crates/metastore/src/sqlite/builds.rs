//! Builds: begun, ended, taken over.

use model::{BuildFailure, BuildId, CacheId, ImageCache, Timestamp};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::caches;
use super::columns::{
    after, failed, failure, optional_time, parse_text, parsed, plain_text, signed, time, unsigned,
};
use crate::{
    Build, BuildState, CacheChange, Error, NewBuild, PAGE_LIMIT, Page, ProcessIdentity, Result,
    SnapshotRecord, rules,
};

const INSERT: &str = "INSERT INTO builds (id, cache, snapshot, state, owner_pid, owner_start, owner_boot, attempts, \
     started) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";

const SAVE: &str = "UPDATE builds SET state = ?, owner_pid = ?, owner_start = ?, owner_boot = ?, attempts = ?, \
     finished = ?, failure_reason = ?, failure_message = ? WHERE id = ?";

fn read(row: &SqliteRow) -> Result<Build> {
    let state = plain_text(row, "state")?;
    let state = BuildState::ALL
        .into_iter()
        .find(|known| known.as_str() == state)
        .ok_or(Error::Column { column: "state", value: state })?;
    Ok(Build {
        id: parsed(row, "id")?,
        cache: parsed(row, "cache")?,
        snapshot: parsed(row, "snapshot")?,
        state,
        owner: ProcessIdentity {
            pid: unsigned(row, "owner_pid")?,
            start_ticks: unsigned(row, "owner_start")?,
            boot_id: plain_text(row, "owner_boot")?,
        },
        attempts: unsigned(row, "attempts")?,
        started: time(row, "started")?,
        finished: optional_time(row, "finished")?,
        failure: failure(row)?,
    })
}

pub(super) async fn begin(connection: &mut SqliteConnection, build: &NewBuild) -> Result<ImageCache> {
    let cache = caches::get(connection, build.cache).await?;
    if let Some(running) = running_of(connection, cache.id).await? {
        return Err(Error::CacheBuilding { cache: cache.id, build: running });
    }
    let cache = rules::begin_build(cache, build.started)?;
    caches::save(connection, &cache).await?;
    let build = rules::new_build(build);
    let done = sqlx::query(INSERT)
        .bind(build.id.to_string())
        .bind(build.cache.to_string())
        .bind(build.snapshot.to_string())
        .bind(build.state.as_str())
        .bind(i64::from(build.owner.pid))
        .bind(signed("start time", build.owner.start_ticks)?)
        .bind(&build.owner.boot_id)
        .bind(i64::from(build.attempts))
        .bind(build.started.as_micros())
        .execute(connection)
        .await
        .map_err(failed("record the build"))?;
    if done.rows_affected() == 0 {
        return Err(Error::Conflict { object: "build", why: format!("the id {} is taken", build.id) });
    }
    Ok(cache)
}

async fn save(connection: &mut SqliteConnection, build: &Build) -> Result<()> {
    sqlx::query(SAVE)
        .bind(build.state.as_str())
        .bind(i64::from(build.owner.pid))
        .bind(signed("start time", build.owner.start_ticks)?)
        .bind(&build.owner.boot_id)
        .bind(i64::from(build.attempts))
        .bind(build.finished.map(Timestamp::as_micros))
        .bind(build.failure.as_ref().map(|failure| failure.reason.clone()))
        .bind(build.failure.as_ref().map(|failure| failure.message.clone()))
        .bind(build.id.to_string())
        .execute(connection)
        .await
        .map_err(failed("change the build"))?;
    Ok(())
}

pub(super) async fn get(connection: &mut SqliteConnection, id: BuildId) -> Result<Build> {
    let row = sqlx::query("SELECT * FROM builds WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed("read the build"))?;
    row.as_ref().map(read).transpose()?.ok_or(Error::NoBuild(id))
}

pub(super) async fn running_of(connection: &mut SqliteConnection, cache: CacheId) -> Result<Option<BuildId>> {
    let id: Option<String> =
        sqlx::query_scalar("SELECT id FROM builds WHERE cache = ? AND state = 'Running'")
            .bind(cache.to_string())
            .fetch_optional(connection)
            .await
            .map_err(failed("find the cache's build"))?;
    id.map(|id| parse_text("id", id)).transpose()
}

pub(super) async fn running(connection: &mut SqliteConnection, page: Page<BuildId>) -> Result<Vec<Build>> {
    let rows = sqlx::query("SELECT * FROM builds WHERE state = 'Running' AND id > ? ORDER BY id LIMIT ?")
        .bind(after(page.after))
        .bind(i64::from(page.limit.min(PAGE_LIMIT)))
        .fetch_all(connection)
        .await
        .map_err(failed("find the running builds"))?;
    rows.iter().map(read).collect()
}

pub(super) async fn finish(
    connection: &mut SqliteConnection,
    id: BuildId,
    owner: &ProcessIdentity,
    snapshot: &SnapshotRecord,
    now: Timestamp,
) -> Result<CacheChange> {
    let mut build = get(connection, id).await?;
    rules::check_end(&build, owner)?;
    rules::check_snapshot(&build, snapshot)?;
    let before = caches::get(connection, build.cache).await?;
    let superseded = before.snapshot;
    let cache = rules::finish_build(before, snapshot, now)?;
    caches::add_snapshot(connection, snapshot).await?;
    caches::save(connection, &cache).await?;
    (build.state, build.finished) = (BuildState::Succeeded, Some(now));
    save(connection, &build).await?;
    let released = caches::release(connection, superseded).await?;
    Ok(CacheChange { cache, released })
}

pub(super) async fn fail(
    connection: &mut SqliteConnection,
    id: BuildId,
    owner: &ProcessIdentity,
    failure: &BuildFailure,
    now: Timestamp,
) -> Result<ImageCache> {
    let mut build = get(connection, id).await?;
    rules::check_end(&build, owner)?;
    let cache = rules::fail_build(caches::get(connection, build.cache).await?, failure, now)?;
    caches::save(connection, &cache).await?;
    (build.state, build.finished) = (BuildState::Failed, Some(now));
    build.failure = Some(rules::bounded_failure(failure));
    save(connection, &build).await?;
    Ok(cache)
}

pub(super) async fn claim(
    connection: &mut SqliteConnection,
    id: BuildId,
    from: &ProcessIdentity,
    to: &ProcessIdentity,
) -> Result<Option<Build>> {
    let mut build = match get(connection, id).await {
        Ok(build) if rules::check_end(&build, from).is_ok() => build,
        Ok(_) | Err(Error::NoBuild(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    build.owner = to.clone();
    build.attempts = build.attempts.saturating_add(1);
    save(connection, &build).await?;
    Ok(Some(build))
}
