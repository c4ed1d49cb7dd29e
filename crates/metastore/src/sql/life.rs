//! What becomes of a cache apart from its builds.

use model::{BuildFailure, CacheId, ImageCache, ImageSnapshotId, SnapshotCopies, Subject, Timestamp};

use super::writing::Writing;
use super::{builds, caches, credentials, events, locks, quota, requests, snapshots};
use crate::error::failed;
use crate::{
    Admission, Admitted, CacheChange, CacheEdit, ChangeKind, CredentialOwner, Error, NewBuild, Result,
    TokenUse, rules,
};

/// The answer, and whether anything was done.
pub(super) async fn create(
    writing: &mut Writing,
    cache: &ImageCache,
    build: &NewBuild,
    admission: &Admission,
) -> Result<(Admitted, bool)> {
    rules::check_new_cache(cache, build)?;
    locks::account(writing, &cache.account).await?;
    if let Some(token) = &admission.token
        && let Some(before) = requests::before(writing, &cache.account, token, None, build.now).await?
    {
        return Ok((Admitted::Before(before), false));
    }
    quota::check(writing, cache, admission).await?;
    let (cache, record) = rules::begin_build(cache.clone(), build, None)?;
    caches::create(writing, &cache).await?;
    credentials::replace(writing, CredentialOwner::Cache(cache.id), &admission.credentials).await?;
    builds::insert(writing, &record).await?;
    if let Some(token) = &admission.token {
        requests::remember(writing, &cache, token).await?;
    }
    Ok((Admitted::Now(cache), true))
}

/// The answer, and whether anything was done.
pub(super) async fn update(
    writing: &mut Writing,
    id: CacheId,
    edit: &CacheEdit,
    build: Option<&NewBuild>,
    token: Option<&TokenUse>,
    now: Timestamp,
) -> Result<(Admitted, bool)> {
    let account = events::account_of(writing, Subject::Cache(id)).await?.ok_or(Error::NoCache(id))?;
    if let Some(token) = token {
        locks::account(writing, &account).await?;
        if let Some(before) = requests::before(writing, &account, token, Some(id), now).await? {
            return Ok((Admitted::Before(before), false));
        }
    }
    let before = caches::locked(writing, id).await?;
    let building = match edit.size_limit {
        Some(_) => builds::unfinished_of(writing, id).await?.map(|build| build.id),
        None => None,
    };
    let mut cache = rules::edited(before.clone(), edit, building, now)?;
    rules::check_build_of(id, build)?;
    caches::save(writing, &before, &cache).await?;
    if let Some(sealed) = &edit.credentials {
        credentials::replace(writing, CredentialOwner::Cache(id), sealed).await?;
    }
    if let Some(build) = build {
        cache = builds::begin(writing, build).await?;
    }
    if let Some(token) = token {
        requests::remember(writing, &cache, token).await?;
    }
    Ok((Admitted::Now(cache), true))
}

/// Changes a cache as the rule says.
pub(super) async fn change(
    writing: &mut Writing,
    id: CacheId,
    rule: impl FnOnce(ImageCache) -> ImageCache,
) -> Result<()> {
    let before = caches::locked(writing, id).await?;
    let cache = rule(before.clone());
    caches::save(writing, &before, &cache).await
}

/// Whether the cache serves that snapshot.
pub(super) async fn note_copies(
    writing: &mut Writing,
    id: CacheId,
    snapshot: ImageSnapshotId,
    copies: SnapshotCopies,
) -> Result<bool> {
    let Some(before) = caches::locked_if_there(writing, id).await? else { return Ok(false) };
    let Some(cache) = rules::has_copies(before.clone(), snapshot, copies) else { return Ok(false) };
    caches::save(writing, &before, &cache).await?;
    Ok(true)
}

/// Whether the cache served that snapshot.
pub(super) async fn lose_snapshot(
    writing: &mut Writing,
    id: CacheId,
    snapshot: ImageSnapshotId,
    failure: &BuildFailure,
    now: Timestamp,
) -> Result<bool> {
    let Some(before) = caches::locked_if_there(writing, id).await? else { return Ok(false) };
    let building = builds::unfinished_of(writing, id).await?.map(|build| build.id);
    let lost = rules::lost(before.clone(), snapshot, failure, building, now)?;
    let Some(cache) = lost else { return Ok(false) };
    caches::save(writing, &before, &cache).await?;
    // The document is gone already.
    snapshots::release(writing, &[snapshot]).await?;
    Ok(true)
}

pub(super) async fn roll_back(
    writing: &mut Writing,
    id: CacheId,
    to: ImageSnapshotId,
    kept_until: Timestamp,
    now: Timestamp,
) -> Result<ImageCache> {
    let before = caches::locked(writing, id).await?;
    let building = builds::unfinished_of(writing, id).await?.map(|build| build.id);
    let cache = rules::rolled_back(before.clone(), to, kept_until, building, now)?;
    caches::save(writing, &before, &cache).await?;
    Ok(cache)
}

/// The cache without those generations, and whether it had any of them.
pub(super) async fn drop_generations(
    writing: &mut Writing,
    id: CacheId,
    gone: &[ImageSnapshotId],
) -> Result<(CacheChange, bool)> {
    let before = caches::locked(writing, id).await?;
    let (cache, gone) = rules::without_generations(before.clone(), gone);
    if gone.is_empty() {
        return Ok((CacheChange { cache, released: Vec::new() }, false));
    }
    caches::save(writing, &before, &cache).await?;
    let released = snapshots::release(writing, &gone).await?;
    Ok((CacheChange { cache, released }, true))
}

/// The cache as it is now, and whether that was news.
pub(super) async fn ask_deletion(
    writing: &mut Writing,
    id: CacheId,
    now: Timestamp,
) -> Result<(ImageCache, bool)> {
    let before = caches::locked(writing, id).await?;
    let Some(cache) = rules::deletion_asked(before.clone(), now) else { return Ok((before, false)) };
    caches::save(writing, &before, &cache).await?;
    let Some(build) = builds::unfinished_of(writing, id).await? else { return Ok((cache, true)) };
    builds::stop(writing, cache, build, &rules::unwanted(), now).await?;
    Ok((caches::get(writing, id).await?, true))
}

pub(super) async fn delete(writing: &mut Writing, id: CacheId) -> Result<CacheChange> {
    let cache = caches::locked(writing, id).await?;
    let build = builds::unfinished_of(writing, id).await?;
    if let Some(build) = build.filter(|build| build.owner.is_some()) {
        return Err(Error::CacheBuilding { cache: id, build: build.id });
    }
    // Before the instances are looked for, so that none begins to hold them meanwhile.
    let named = rules::named_snapshots(&cache);
    locks::snapshots(writing, &named).await?;
    let instances = snapshots::holders(writing, id).await?;
    if !instances.is_empty() {
        return Err(Error::CacheInUse { cache: id, instances });
    }
    credentials::replace(writing, CredentialOwner::Cache(id), &[]).await?;
    let gone = sqlx::query("DELETE FROM caches WHERE id = $1").bind(id.to_string());
    gone.execute(&mut **writing).await.map_err(failed("delete the cache"))?;
    let released = snapshots::release(writing, &named).await?;
    writing.count(&cache, -1);
    events::depart(writing, Subject::Cache(id), Some(&cache.account)).await?;
    caches::touch(writing, &cache, ChangeKind::Gone);
    Ok(CacheChange { cache, released })
}
