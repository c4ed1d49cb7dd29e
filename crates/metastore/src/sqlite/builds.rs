//! Builds: asked for, taken in turns, ended, taken over.

use model::{BuildFailure, BuildId, CacheId, ImageCache, Percent, SnapshotCopies, Timestamp};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};

use super::page::after;
use super::{caches, snapshots};
use crate::error::{failed, taken};
use crate::rows::{self, signed, to_json};
use crate::{
    Beat, Build, BuildState, CacheChange, Error, NewBuild, Order, Page, ProcessIdentity, Result,
    SnapshotRecord, Turns, rules,
};

const INSERT: &str = "INSERT INTO builds (state, owner_pid, owner_start, owner_boot, attempts, beat, cancelled, started, \
     finished, failure_reason, failure_message, id, cache, snapshot, account, plan, queued) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";

const SAVE: &str = "UPDATE builds SET state = ?, owner_pid = ?, owner_start = ?, owner_boot = ?, attempts = ?, \
     beat = ?, cancelled = ?, started = ?, finished = ?, failure_reason = ?, failure_message = ? WHERE id = ?";

const FORGET_ENDED: &str = "DELETE FROM builds WHERE cache = ? AND state IN ('Succeeded', 'Failed')";

/// The build of each account that has waited longest, going from account to account, not from build to build.
const WAITING: &str = "WITH RECURSIVE accounts (account) AS ( \
     SELECT min(account) FROM builds WHERE state = 'Queued' \
     UNION ALL SELECT (SELECT min(account) FROM builds WHERE state = 'Queued' AND account > accounts.account) \
         FROM accounts WHERE account IS NOT NULL) \
     SELECT builds.id, builds.queued, \
         (SELECT count(*) FROM builds AS other WHERE other.state = 'Running' AND other.account = accounts.account) AS running \
     FROM accounts JOIN builds ON builds.id = (SELECT id FROM builds AS first \
         WHERE first.state = 'Queued' AND first.account = accounts.account ORDER BY first.queued, first.id LIMIT 1)";

/// Binds what changes in a build's life, in the order of both statements.
fn bind_changing(statement: &'static str, build: &Build) -> Result<Query<'static, Sqlite, SqliteArguments>> {
    let owner = build.owner.as_ref();
    let start = owner.map(|owner| signed("start time", owner.start_ticks)).transpose()?;
    let failure = build.failure.as_ref();
    Ok(sqlx::query(statement)
        .bind(build.state.as_str())
        .bind(owner.map(|owner| i64::from(owner.pid)))
        .bind(start)
        .bind(owner.map(|owner| owner.boot_id.as_str()))
        .bind(i64::from(build.attempts))
        .bind(build.beat.as_micros())
        .bind(build.cancelled)
        .bind(build.started.map(Timestamp::as_micros))
        .bind(build.finished.map(Timestamp::as_micros))
        .bind(failure.map(|failure| failure.reason.as_str()))
        .bind(failure.map(|failure| failure.message.as_str())))
}

pub(super) async fn insert(connection: &mut SqliteConnection, build: &Build) -> Result<()> {
    let done = bind_changing(INSERT, build)?
        .bind(build.id.to_string())
        .bind(build.cache.to_string())
        .bind(build.snapshot.to_string())
        .bind(build.account.as_str())
        .bind(to_json(&build.plan))
        .bind(build.queued.as_micros())
        .execute(connection)
        .await
        .map_err(failed("record the build"))?;
    if done.rows_affected() == 0 {
        return Err(taken("build", build.id));
    }
    Ok(())
}

async fn save(connection: &mut SqliteConnection, build: &Build) -> Result<()> {
    let done = bind_changing(SAVE, build)?.bind(build.id.to_string()).execute(connection).await;
    done.map(drop).map_err(failed("change the build"))
}

pub(super) async fn get(connection: &mut SqliteConnection, id: BuildId) -> Result<Build> {
    find(connection, id).await?.ok_or(Error::NoBuild(id))
}

async fn find(connection: &mut SqliteConnection, id: BuildId) -> Result<Option<Build>> {
    let row = sqlx::query("SELECT * FROM builds WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed("read the build"))?;
    row.as_ref().map(rows::build).transpose()
}

/// The cache's build that waits or runs.
pub(super) async fn unfinished_of(
    connection: &mut SqliteConnection,
    cache: CacheId,
) -> Result<Option<Build>> {
    let row = sqlx::query("SELECT * FROM builds WHERE cache = ? AND state IN ('Queued', 'Running')")
        .bind(cache.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed("find the cache's build"))?;
    row.as_ref().map(rows::build).transpose()
}

/// The index that is named has the running ones alone, and is short; in the order of ids all builds would be looked through.
pub(super) async fn running(connection: &mut SqliteConnection, page: Page<BuildId>) -> Result<Vec<Build>> {
    let statement = match page.order {
        Order::OldestFirst => {
            "SELECT * FROM builds INDEXED BY running_builds WHERE state = 'Running' AND id > ? ORDER BY id LIMIT ? OFFSET ?"
        }
        Order::NewestFirst => {
            "SELECT * FROM builds INDEXED BY running_builds WHERE state = 'Running' AND id < ? ORDER BY id DESC LIMIT ? OFFSET ?"
        }
    };
    let rows = sqlx::query(statement)
        .bind(after(page))
        .bind(i64::from(page.records()))
        .bind(i64::from(page.skip))
        .fetch_all(connection)
        .await
        .map_err(failed("find the running builds"))?;
    rows.iter().map(rows::build).collect()
}

pub(super) async fn begin(connection: &mut SqliteConnection, build: &NewBuild) -> Result<ImageCache> {
    let before = caches::get(connection, build.cache).await?;
    let unfinished = unfinished_of(connection, build.cache).await?.map(|build| build.id);
    let (cache, record) = rules::begin_build(before.clone(), build, unfinished)?;
    caches::save(connection, &before, &cache).await?;
    insert(connection, &record).await?;
    forget_ended(connection, cache.id).await?;
    Ok(cache)
}

/// Drops the cache's builds that have ended: else there would be more of them with every update.
async fn forget_ended(connection: &mut SqliteConnection, cache: CacheId) -> Result<()> {
    let done = sqlx::query(FORGET_ENDED).bind(cache.to_string()).execute(connection).await;
    done.map(drop).map_err(failed("forget the cache's ended builds"))
}

/// Whether any build waits. Who only looks does not make others wait.
pub(super) async fn any_waits(connection: &mut SqliteConnection) -> Result<bool> {
    let waits: i64 = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM builds WHERE state = 'Queued')")
        .fetch_one(connection)
        .await
        .map_err(failed("find the waiting builds"))?;
    Ok(waits != 0)
}

pub(super) async fn take(
    connection: &mut SqliteConnection,
    owner: &ProcessIdentity,
    turns: Turns,
    now: Timestamp,
) -> Result<Option<(ImageCache, Build)>> {
    let rows = sqlx::query(WAITING).fetch_all(&mut *connection).await;
    let rows = rows.map_err(failed("find the waiting builds"))?;
    let waiting = rows.iter().map(rows::waiting).collect::<Result<Vec<_>>>()?;
    let Some(id) = rules::whose_turn(waiting, turns) else { return Ok(None) };
    let build = get(connection, id).await?;
    let before = caches::get(connection, build.cache).await?;
    let (cache, build) = rules::take_build(before.clone(), build, owner, now)?;
    save(connection, &build).await?;
    caches::save(connection, &before, &cache).await?;
    Ok(Some((cache, build)))
}

/// What the owner is told, and the cache where its record changed.
pub(super) async fn beat(
    connection: &mut SqliteConnection,
    id: BuildId,
    owner: &ProcessIdentity,
    progress: Percent,
    now: Timestamp,
) -> Result<(Beat, Option<ImageCache>)> {
    let known = find(connection, id).await?;
    let Some(build) = known.and_then(|build| rules::has_beaten(&build, owner, now)) else {
        return Ok((Beat::Lost, None));
    };
    save(connection, &build).await?;
    let answer = if build.cancelled { Beat::Cancelled } else { Beat::GoOn };
    let before = caches::get(connection, build.cache).await?;
    if before.progress == progress {
        return Ok((answer, None));
    }
    let cache = ImageCache { progress, ..before.clone() };
    caches::save(connection, &before, &cache).await?;
    Ok((answer, Some(cache)))
}

/// Fails a build that waits, asks one that runs to end, leaves one that has ended or is unknown; the cache where that was news.
pub(super) async fn cancel(
    connection: &mut SqliteConnection,
    id: BuildId,
    failure: &BuildFailure,
    now: Timestamp,
) -> Result<Option<ImageCache>> {
    match find(connection, id).await? {
        Some(build) => stop(connection, build, failure, now).await,
        None => Ok(None),
    }
}

pub(super) async fn stop(
    connection: &mut SqliteConnection,
    build: Build,
    failure: &BuildFailure,
    now: Timestamp,
) -> Result<Option<ImageCache>> {
    let before = caches::get(connection, build.cache).await?;
    if build.state == BuildState::Queued {
        let (cache, build) = rules::end_waiting(before.clone(), build, failure, now)?;
        caches::save(connection, &before, &cache).await?;
        save(connection, &build).await?;
        return Ok(Some(cache));
    }
    let Some(build) = rules::cancel_build(&build) else { return Ok(None) };
    save(connection, &build).await?;
    Ok(Some(before))
}

pub(super) async fn finish(
    connection: &mut SqliteConnection,
    id: BuildId,
    owner: &ProcessIdentity,
    snapshot: &SnapshotRecord,
    (copies, keep): (SnapshotCopies, Option<Timestamp>),
    now: Timestamp,
) -> Result<CacheChange> {
    let build = get(connection, id).await?;
    let before = caches::get(connection, build.cache).await?;
    let (cache, build) = rules::finish_build(before.clone(), build, owner, snapshot, (copies, keep), now)?;
    snapshots::add(connection, snapshot).await?;
    caches::save(connection, &before, &cache).await?;
    save(connection, &build).await?;
    let released = snapshots::release(connection, &rules::named_snapshots(&before)).await?;
    Ok(CacheChange { cache, released })
}

pub(super) async fn fail(
    connection: &mut SqliteConnection,
    id: BuildId,
    owner: &ProcessIdentity,
    failure: &BuildFailure,
    now: Timestamp,
) -> Result<ImageCache> {
    let build = get(connection, id).await?;
    let before = caches::get(connection, build.cache).await?;
    let (cache, build) = rules::fail_build(before.clone(), build, owner, failure, now)?;
    caches::save(connection, &before, &cache).await?;
    save(connection, &build).await?;
    Ok(cache)
}

pub(super) async fn claim(
    connection: &mut SqliteConnection,
    id: BuildId,
    from: &ProcessIdentity,
    to: &ProcessIdentity,
    now: Timestamp,
) -> Result<Option<Build>> {
    let known = find(connection, id).await?;
    let Some(build) = known.and_then(|build| rules::claim_build(build, from, to, now)) else {
        return Ok(None);
    };
    save(connection, &build).await?;
    Ok(Some(build))
}
