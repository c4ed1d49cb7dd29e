//! Builds: asked for, taken in fair turns, ended, taken over. The lock of a cache's row stands for its builds as well.

use model::{BuildFailure, BuildId, CacheId, ImageCache, Percent, SnapshotCopies, Timestamp};

use super::pages::{Statement, push_page};
use super::writing::Writing;
use super::{Connection, Query, caches, dialect, locks, snapshots};
use crate::error::{failed, taken};
use crate::rows::{self, Columns as _, parse, signed, to_json};
use crate::rules::Waiting;
use crate::{
    Beat, Build, BuildState, CacheChange, Error, NewBuild, Page, ProcessIdentity, Result, SnapshotRecord,
    Turns, rules,
};

const INSERT: &str = "INSERT INTO builds (id, cache, snapshot, account, plan, state, owner_pid, owner_start, owner_boot, \
     attempts, beat, cancelled, queued, started, finished, failure_reason, failure_message) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT (id) DO NOTHING";

const UPDATE: &str = "UPDATE builds SET cache = $2, snapshot = $3, account = $4, plan = $5, state = $6, owner_pid = $7, \
     owner_start = $8, owner_boot = $9, attempts = $10, beat = $11, cancelled = $12, queued = $13, started = $14, \
     finished = $15, failure_reason = $16, failure_message = $17 WHERE id = $1";

const UNFINISHED: &str = "SELECT * FROM builds WHERE cache = $1 AND state IN ('Queued', 'Running')";

const FORGET_ENDED: &str = "DELETE FROM builds WHERE cache = $1 AND state IN ('Succeeded', 'Failed')";

pub(super) async fn get(connection: &mut Connection, id: BuildId) -> Result<Build> {
    let query = sqlx::query("SELECT * FROM builds WHERE id = $1").bind(id.to_string());
    let row = query.fetch_optional(connection).await.map_err(failed("read the build"))?;
    row.as_ref().map(rows::build).transpose()?.ok_or(Error::NoBuild(id))
}

/// The build and its cache, which nobody else changes from now on.
async fn locked(connection: &mut Connection, id: BuildId) -> Result<(ImageCache, Build)> {
    let cache: Option<String> = sqlx::query_scalar("SELECT cache FROM builds WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed("read the build"))?;
    let cache = parse("cache", &cache.ok_or(Error::NoBuild(id))?)?;
    let cache = match caches::locked(connection, cache).await {
        // It was deleted meanwhile, and its builds with it.
        Err(Error::NoCache(_)) => return Err(Error::NoBuild(id)),
        cache => cache?,
    };
    Ok((cache, get(connection, id).await?))
}

/// As [`locked`]; `None` where there is no such build.
async fn locked_if_there(connection: &mut Connection, id: BuildId) -> Result<Option<(ImageCache, Build)>> {
    match locked(connection, id).await {
        Err(Error::NoBuild(_)) => Ok(None),
        found => found.map(Some),
    }
}

/// The cache's build that waits or runs.
pub(super) async fn unfinished_of(connection: &mut Connection, cache: CacheId) -> Result<Option<Build>> {
    let query = sqlx::query(UNFINISHED).bind(cache.to_string());
    let row = query.fetch_optional(connection).await.map_err(failed("find the cache's build"))?;
    row.as_ref().map(rows::build).transpose()
}

pub(super) async fn running(connection: &mut Connection, page: Page<BuildId>) -> Result<Vec<Build>> {
    let mut statement =
        Statement::new(concat!("SELECT * FROM ", running_builds!(), " WHERE state = 'Running'"));
    push_page(&mut statement, &page);
    let rows = statement.build().fetch_all(connection).await.map_err(failed("find the running builds"))?;
    rows.iter().map(rows::build).collect()
}

pub(super) async fn count_running(connection: &mut Connection) -> Result<u64> {
    const COUNT: &str =
        concat!("SELECT count(*) AS count FROM ", running_builds!(), " WHERE state = 'Running'");
    let row = sqlx::query(COUNT).fetch_one(connection).await.map_err(failed("count the running builds"))?;
    row.unsigned("count")
}

/// The columns of a build, in the order of both statements that write one.
fn bind(statement: &'static str, build: &Build) -> Result<Query> {
    let owner = build.owner.as_ref();
    let start = owner.map(|owner| signed("start time", owner.start_ticks)).transpose()?;
    let failure = build.failure.as_ref();
    Ok(sqlx::query(statement)
        .bind(build.id.to_string())
        .bind(build.cache.to_string())
        .bind(build.snapshot.to_string())
        .bind(build.account.to_string())
        .bind(to_json(&build.plan))
        .bind(build.state.as_str())
        .bind(owner.map(|owner| i64::from(owner.pid)))
        .bind(start)
        .bind(owner.map(|owner| owner.boot_id.clone()))
        .bind(i64::from(build.attempts))
        .bind(build.beat.as_micros())
        .bind(build.cancelled)
        .bind(build.queued.as_micros())
        .bind(build.started.map(Timestamp::as_micros))
        .bind(build.finished.map(Timestamp::as_micros))
        .bind(failure.map(|failure| failure.reason.as_str()))
        .bind(failure.map(|failure| failure.message.as_str())))
}

pub(super) async fn insert(connection: &mut Connection, build: &Build) -> Result<()> {
    let done = bind(INSERT, build)?.execute(connection).await.map_err(failed("record the build"))?;
    if done.rows_affected() == 0 {
        return Err(taken("build", build.id));
    }
    Ok(())
}

async fn save(connection: &mut Connection, build: &Build) -> Result<()> {
    bind(UPDATE, build)?.execute(connection).await.map(drop).map_err(failed("change the build"))
}

/// Writes both as they became.
async fn save_both(writing: &mut Writing, before: &ImageCache, after: &(ImageCache, Build)) -> Result<()> {
    caches::save(writing, before, &after.0).await?;
    save(writing, &after.1).await
}

pub(super) async fn begin(writing: &mut Writing, build: &NewBuild) -> Result<ImageCache> {
    let before = caches::locked(writing, build.cache).await?;
    let unfinished = unfinished_of(writing, before.id).await?.map(|build| build.id);
    let (cache, record) = rules::begin_build(before.clone(), build, unfinished)?;
    caches::save(writing, &before, &cache).await?;
    insert(writing, &record).await?;
    forget_ended(writing, cache.id).await?;
    Ok(cache)
}

/// Drops the cache's builds that have ended: else there would be more of them with every update.
async fn forget_ended(connection: &mut Connection, cache: CacheId) -> Result<()> {
    let done = sqlx::query(FORGET_ENDED).bind(cache.to_string()).execute(connection).await;
    done.map(drop).map_err(failed("forget the cache's ended builds"))
}

/// Looked at without a lock: mostly nothing waits.
pub(super) async fn any_waits(connection: &mut Connection) -> Result<bool> {
    let found = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM builds WHERE state = 'Queued')");
    found.fetch_one(connection).await.map_err(failed("find the waiting builds"))
}

pub(super) async fn take(
    writing: &mut Writing,
    owner: &ProcessIdentity,
    turns: Turns,
    now: Timestamp,
) -> Result<Option<Build>> {
    // Else two that choose at once would each count the builds that run without the other's.
    locks::turns(writing).await?;
    loop {
        let Some(id) = rules::whose_turn(waiting(writing).await?, turns) else { return Ok(None) };
        let Some((cache, build)) = locked_if_there(writing, id).await? else { continue };
        // It may have been failed while we waited for its cache: then it waits no more, and the next one is looked for.
        if build.state == BuildState::Queued {
            let taken = rules::take_build(cache.clone(), build, owner, now)?;
            save_both(writing, &cache, &taken).await?;
            return Ok(Some(taken.1));
        }
    }
}

async fn waiting(connection: &mut Connection) -> Result<Vec<Waiting>> {
    let rows = sqlx::query(dialect::WAITING_BUILDS)
        .fetch_all(connection)
        .await
        .map_err(failed("find the waiting builds"))?;
    rows.iter().map(rows::waiting).collect()
}

pub(super) async fn beat(
    writing: &mut Writing,
    id: BuildId,
    owner: &ProcessIdentity,
    progress: Percent,
    now: Timestamp,
) -> Result<Beat> {
    let Some((before, build)) = locked_if_there(writing, id).await? else { return Ok(Beat::Lost) };
    let Some(build) = rules::has_beaten(&build, owner, now) else { return Ok(Beat::Lost) };
    if before.progress != progress {
        let cache = ImageCache { progress, ..before.clone() };
        caches::save(writing, &before, &cache).await?;
    }
    save(writing, &build).await?;
    Ok(if build.cancelled { Beat::Cancelled } else { Beat::GoOn })
}

/// Whether there was anything to cancel.
pub(super) async fn cancel(
    writing: &mut Writing,
    id: BuildId,
    failure: &BuildFailure,
    now: Timestamp,
) -> Result<bool> {
    match locked_if_there(writing, id).await? {
        Some((cache, build)) => stop(writing, cache, build, failure, now).await,
        None => Ok(false),
    }
}

/// Fails a build that waits, asks one that runs to end, leaves one that has ended; whether that changed anything. Its cache is
/// locked.
pub(super) async fn stop(
    writing: &mut Writing,
    cache: ImageCache,
    build: Build,
    failure: &BuildFailure,
    now: Timestamp,
) -> Result<bool> {
    let after = if build.state == BuildState::Queued {
        rules::end_waiting(cache.clone(), build, failure, now)?
    } else {
        let Some(build) = rules::cancel_build(&build) else { return Ok(false) };
        (cache.clone(), build)
    };
    save_both(writing, &cache, &after).await?;
    Ok(true)
}

pub(super) async fn finish(
    writing: &mut Writing,
    id: BuildId,
    owner: &ProcessIdentity,
    snapshot: &SnapshotRecord,
    (copies, keep): (SnapshotCopies, Option<Timestamp>),
    now: Timestamp,
) -> Result<CacheChange> {
    let (before, build) = locked(writing, id).await?;
    let superseded = rules::named_snapshots(&before);
    let after = rules::finish_build(before.clone(), build, owner, snapshot, (copies, keep), now)?;
    snapshots::add(writing, snapshot).await?;
    save_both(writing, &before, &after).await?;
    let released = snapshots::release(writing, &superseded).await?;
    Ok(CacheChange { cache: after.0, released })
}

pub(super) async fn fail(
    writing: &mut Writing,
    id: BuildId,
    owner: &ProcessIdentity,
    failure: &BuildFailure,
    now: Timestamp,
) -> Result<ImageCache> {
    let (before, build) = locked(writing, id).await?;
    let after = rules::fail_build(before.clone(), build, owner, failure, now)?;
    save_both(writing, &before, &after).await?;
    Ok(after.0)
}

/// The build, and whether it was theirs.
pub(super) async fn claim(
    writing: &mut Writing,
    id: BuildId,
    from: &ProcessIdentity,
    to: &ProcessIdentity,
    now: Timestamp,
) -> Result<(Option<Build>, bool)> {
    let Some((_, build)) = locked_if_there(writing, id).await? else { return Ok((None, false)) };
    let Some(build) = rules::claim_build(build, from, to, now) else { return Ok((None, false)) };
    save(writing, &build).await?;
    Ok((Some(build), true))
}
