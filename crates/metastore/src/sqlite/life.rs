//! What becomes of a cache apart from its builds.

use model::{BuildFailure, CacheId, ImageCache, ImageSnapshotId, Subject, Timestamp};
use sqlx::SqliteConnection;

use super::{builds, caches, changes, credentials, quota, requests, snapshots};
use crate::error::failed;
use crate::{
    Admission, Admitted, CacheChange, CacheEdit, CredentialOwner, Error, NewBuild, Result, TokenUse, rules,
};

pub(super) async fn create(
    connection: &mut SqliteConnection,
    cache: &ImageCache,
    build: &NewBuild,
    admission: &Admission,
) -> Result<Admitted> {
    rules::check_new_cache(cache, build)?;
    if let Some(token) = &admission.token
        && let Some(before) = requests::before(connection, &cache.account, token, None, build.now).await?
    {
        return Ok(Admitted::Before(before));
    }
    quota::check(connection, cache, admission).await?;
    let (cache, record) = rules::begin_build(cache.clone(), build, None)?;
    caches::insert(connection, &cache).await?;
    credentials::replace(connection, CredentialOwner::Cache(cache.id), &admission.credentials).await?;
    builds::insert(connection, &record).await?;
    if let Some(token) = &admission.token {
        requests::remember(connection, &cache, token).await?;
    }
    Ok(Admitted::Now(cache))
}

pub(super) async fn update(
    connection: &mut SqliteConnection,
    id: CacheId,
    edit: &CacheEdit,
    build: Option<&NewBuild>,
    token: Option<&TokenUse>,
    now: Timestamp,
) -> Result<Admitted> {
    let account = changes::account_of(connection, Subject::Cache(id)).await?.ok_or(Error::NoCache(id))?;
    if let Some(token) = token
        && let Some(before) = requests::before(connection, &account, token, Some(id), now).await?
    {
        return Ok(Admitted::Before(before));
    }
    let before = caches::get(connection, id).await?;
    let mut cache = rules::edited(before.clone(), edit, now)?;
    rules::check_build_of(id, build)?;
    caches::save(connection, &before, &cache).await?;
    if let Some(sealed) = &edit.credentials {
        credentials::replace(connection, CredentialOwner::Cache(id), sealed).await?;
    }
    if let Some(build) = build {
        cache = builds::begin(connection, build).await?;
    }
    if let Some(token) = token {
        requests::remember(connection, &cache, token).await?;
    }
    Ok(Admitted::Now(cache))
}

/// Changes a cache as the rule says.
pub(super) async fn change(
    connection: &mut SqliteConnection,
    id: CacheId,
    rule: impl FnOnce(ImageCache) -> ImageCache + Send,
) -> Result<ImageCache> {
    let before = caches::get(connection, id).await?;
    let cache = rule(before.clone());
    caches::save(connection, &before, &cache).await?;
    Ok(cache)
}

pub(super) async fn note_copies(
    connection: &mut SqliteConnection,
    id: CacheId,
    snapshot: ImageSnapshotId,
    copies: model::SnapshotCopies,
) -> Result<Option<ImageCache>> {
    let Some(before) = caches::find(connection, id).await? else { return Ok(None) };
    let Some(cache) = rules::has_copies(before.clone(), snapshot, copies) else { return Ok(None) };
    caches::save(connection, &before, &cache).await?;
    Ok(Some(cache))
}

pub(super) async fn lose_snapshot(
    connection: &mut SqliteConnection,
    id: CacheId,
    snapshot: ImageSnapshotId,
    failure: &BuildFailure,
    now: Timestamp,
) -> Result<Option<ImageCache>> {
    let Some(before) = caches::find(connection, id).await? else { return Ok(None) };
    let building = builds::unfinished_of(connection, id).await?.map(|build| build.id);
    let lost = rules::lost(before.clone(), snapshot, failure, building, now)?;
    let Some(cache) = lost else { return Ok(None) };
    caches::save(connection, &before, &cache).await?;
    // The document is gone already.
    snapshots::release(connection, &[snapshot]).await?;
    Ok(Some(cache))
}

pub(super) async fn roll_back(
    connection: &mut SqliteConnection,
    id: CacheId,
    to: ImageSnapshotId,
    kept_until: Timestamp,
    now: Timestamp,
) -> Result<ImageCache> {
    let before = caches::get(connection, id).await?;
    let building = builds::unfinished_of(connection, id).await?.map(|build| build.id);
    let cache = rules::rolled_back(before.clone(), to, kept_until, building, now)?;
    caches::save(connection, &before, &cache).await?;
    Ok(cache)
}

/// The cache without those generations, and whether it had any of them.
pub(super) async fn drop_generations(
    connection: &mut SqliteConnection,
    id: CacheId,
    gone: &[ImageSnapshotId],
) -> Result<(CacheChange, bool)> {
    let before = caches::get(connection, id).await?;
    let (cache, gone) = rules::without_generations(before.clone(), gone);
    if gone.is_empty() {
        return Ok((CacheChange { cache, released: Vec::new() }, false));
    }
    caches::save(connection, &before, &cache).await?;
    let released = snapshots::release(connection, &gone).await?;
    Ok((CacheChange { cache, released }, true))
}

/// The cache as it is now, and whether that was news.
pub(super) async fn ask_deletion(
    connection: &mut SqliteConnection,
    id: CacheId,
    now: Timestamp,
) -> Result<(ImageCache, bool)> {
    let before = caches::get(connection, id).await?;
    let Some(cache) = rules::deletion_asked(before.clone(), now) else { return Ok((before, false)) };
    caches::save(connection, &before, &cache).await?;
    if let Some(build) = builds::unfinished_of(connection, id).await? {
        builds::stop(connection, build, &rules::unwanted(), now).await?;
    }
    Ok((caches::get(connection, id).await?, true))
}

pub(super) async fn delete(connection: &mut SqliteConnection, id: CacheId) -> Result<CacheChange> {
    let cache = caches::get(connection, id).await?;
    let build = builds::unfinished_of(connection, id).await?;
    if let Some(build) = build.filter(|build| build.owner.is_some()) {
        return Err(Error::CacheBuilding { cache: id, build: build.id });
    }
    let instances = caches::holders(connection, id).await?;
    if !instances.is_empty() {
        return Err(Error::CacheInUse { cache: id, instances });
    }
    credentials::replace(connection, CredentialOwner::Cache(id), &[]).await?;
    sqlx::query("DELETE FROM caches WHERE id = ?")
        .bind(id.to_string())
        .execute(&mut *connection)
        .await
        .map_err(failed("delete the cache"))?;
    let released = snapshots::release(connection, &rules::named_snapshots(&cache)).await?;
    Ok(CacheChange { cache, released })
}
