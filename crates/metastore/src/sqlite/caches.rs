//! The rows of caches, and what is found by their images, tags and generations.

use model::{AccountId, CacheId, CacheName, ImageCache, InstanceName, Subject, Timestamp};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};

use super::changes;
use crate::error::{failed, taken};
use crate::rows::{self, parse, signed, to_json};
use crate::{CacheRef, Error, OTHERS_LIMIT, ResolvedCache, Result, rules};

const INSERT: &str = "INSERT INTO caches (id, account, origin, platform, access, created, name, state, images, \
     size_limit, snapshot, unpacked_size, failure_reason, failure_message, updated, last_used, policy, generations, \
     copies, progress, starts, spared_bytes, spared_milliseconds, checked, deleting, notes, evictable) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";

const SAVE: &str = "UPDATE caches SET name = ?, state = ?, images = ?, size_limit = ?, snapshot = ?, \
     unpacked_size = ?, failure_reason = ?, failure_message = ?, updated = ?, last_used = ?, policy = ?, \
     generations = ?, copies = ?, progress = ?, starts = ?, spared_bytes = ?, spared_milliseconds = ?, checked = ?, \
     deleting = ?, notes = ?, evictable = ? WHERE id = ?";

const OF_NAME: &str = "SELECT * FROM caches WHERE account = ? AND name = ? \
     ORDER BY (state IN ('Ready', 'Updating', 'UpdateFailed') AND deleting IS NULL) DESC, created DESC, id DESC LIMIT 1";

const OTHERS_OF_NAME: &str = "SELECT id FROM caches WHERE account = ? AND name = ? AND id <> ? \
     ORDER BY created DESC, id DESC LIMIT ?";

const HOLDERS: &str = "SELECT name FROM instances WHERE snapshot = (SELECT snapshot FROM caches WHERE id = ?1) \
     UNION SELECT name FROM instances WHERE snapshot IN (SELECT snapshot FROM cache_generations WHERE cache = ?1) \
     ORDER BY name LIMIT ?2";

type Statement = Query<'static, Sqlite, SqliteArguments>;

/// Binds what changes in a cache's life, in the order of both statements.
fn bind_changing(query: Statement, cache: &ImageCache) -> Result<Statement> {
    let unpacked = cache.unpacked_size.map(|size| signed("unpacked size", size.as_u64())).transpose()?;
    let failure = cache.failure.as_ref();
    Ok(query
        .bind(cache.name.as_str())
        .bind(cache.state.as_str())
        .bind(to_json(&cache.images))
        .bind(signed("size limit", cache.size_limit.as_u64())?)
        .bind(cache.snapshot.map(|id| id.to_string()))
        .bind(unpacked)
        .bind(failure.map(|failure| failure.reason.as_str()))
        .bind(failure.map(|failure| failure.message.as_str()))
        .bind(cache.updated.as_micros())
        .bind(cache.last_used.map(Timestamp::as_micros))
        .bind(to_json(&cache.policy))
        .bind(to_json(&cache.generations))
        .bind(to_json(&cache.copies))
        .bind(i64::from(cache.progress.get()))
        .bind(signed("number of starts", cache.savings.starts)?)
        .bind(signed("number of spared bytes", cache.savings.fetched_bytes.as_u64())?)
        .bind(signed("spared time", cache.savings.milliseconds)?)
        .bind(cache.checked.map(Timestamp::as_micros))
        .bind(cache.deleting.map(Timestamp::as_micros))
        .bind(cache.notes.as_ref().map(to_json))
        .bind(rules::could_make_room(cache)))
}

pub(super) async fn insert(connection: &mut SqliteConnection, cache: &ImageCache) -> Result<()> {
    let query = sqlx::query(INSERT)
        .bind(cache.id.to_string())
        .bind(cache.account.as_str())
        .bind(cache.origin.as_str())
        .bind(to_json(&cache.platform))
        .bind(to_json(&cache.access))
        .bind(cache.created.as_micros());
    let done = bind_changing(query, cache)?.execute(&mut *connection).await;
    if done.map_err(failed("record the cache"))?.rows_affected() == 0 {
        return Err(taken("cache", cache.id));
    }
    changes::arrive(connection, Subject::Cache(cache.id)).await?;
    add_images(connection, cache).await?;
    add_tags(connection, cache).await?;
    add_labels(connection, cache).await
}

/// Writes what became of a cache.
pub(super) async fn save(
    connection: &mut SqliteConnection,
    before: &ImageCache,
    cache: &ImageCache,
) -> Result<()> {
    let query = bind_changing(sqlx::query(SAVE), cache)?.bind(cache.id.to_string());
    query.execute(&mut *connection).await.map_err(failed("change the cache"))?;
    if before.images != cache.images {
        drop_all(connection, "DELETE FROM cache_images WHERE cache = ?", cache.id).await?;
        add_images(connection, cache).await?;
    }
    if before.policy.tags != cache.policy.tags {
        drop_all(connection, "DELETE FROM cache_tags WHERE cache = ?", cache.id).await?;
        add_tags(connection, cache).await?;
    }
    if before.notes != cache.notes {
        drop_all(connection, "DELETE FROM cache_labels WHERE cache = ?", cache.id).await?;
        add_labels(connection, cache).await?;
    }
    if before.generations != cache.generations {
        drop_all(connection, "DELETE FROM cache_generations WHERE cache = ?", cache.id).await?;
        add_generations(connection, cache).await?;
    }
    Ok(())
}

async fn drop_all(connection: &mut SqliteConnection, statement: &'static str, id: CacheId) -> Result<()> {
    let done = sqlx::query(statement).bind(id.to_string()).execute(connection).await;
    done.map(drop).map_err(failed("change what the cache is found by"))
}

async fn add_images(connection: &mut SqliteConnection, cache: &ImageCache) -> Result<()> {
    for image in &cache.images {
        let repository = image.reference().map(|reference| reference.repository().as_str());
        sqlx::query(
            "INSERT OR IGNORE INTO cache_images (cache, image, repository, account) VALUES (?, ?, ?, ?)",
        )
        .bind(cache.id.to_string())
        .bind(image.to_string())
        .bind(repository)
        .bind(cache.account.as_str())
        .execute(&mut *connection)
        .await
        .map_err(failed("note the cache's images"))?;
    }
    Ok(())
}

async fn add_tags(connection: &mut SqliteConnection, cache: &ImageCache) -> Result<()> {
    for (key, value) in &cache.policy.tags {
        sqlx::query("INSERT INTO cache_tags (cache, key, value, account) VALUES (?, ?, ?, ?)")
            .bind(cache.id.to_string())
            .bind(key)
            .bind(value)
            .bind(cache.account.as_str())
            .execute(&mut *connection)
            .await
            .map_err(failed("note the cache's tags"))?;
    }
    Ok(())
}

async fn add_labels(connection: &mut SqliteConnection, cache: &ImageCache) -> Result<()> {
    for (key, value) in cache.notes.iter().flat_map(model::CloudNotes::labels) {
        sqlx::query("INSERT INTO cache_labels (cache, key, value) VALUES (?, ?, ?)")
            .bind(cache.id.to_string())
            .bind(key)
            .bind(value)
            .execute(&mut *connection)
            .await
            .map_err(failed("note the cache's labels"))?;
    }
    Ok(())
}

async fn add_generations(connection: &mut SqliteConnection, cache: &ImageCache) -> Result<()> {
    for generation in &cache.generations {
        sqlx::query("INSERT INTO cache_generations (cache, snapshot) VALUES (?, ?)")
            .bind(cache.id.to_string())
            .bind(generation.snapshot.to_string())
            .execute(&mut *connection)
            .await
            .map_err(failed("note the cache's generations"))?;
    }
    Ok(())
}

pub(super) async fn get(connection: &mut SqliteConnection, id: CacheId) -> Result<ImageCache> {
    find(connection, id).await?.ok_or(Error::NoCache(id))
}

pub(super) async fn find(connection: &mut SqliteConnection, id: CacheId) -> Result<Option<ImageCache>> {
    let row = sqlx::query("SELECT * FROM caches WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed("read the cache"))?;
    row.as_ref().map(rows::cache).transpose()
}

pub(super) async fn resolve(
    connection: &mut SqliteConnection,
    account: &AccountId,
    wanted: &CacheRef,
) -> Result<ResolvedCache> {
    match wanted {
        CacheRef::Id(id) => {
            let cache = get(connection, *id).await?;
            let is_theirs = cache.account == *account;
            is_theirs.then(|| ResolvedCache { cache, others: Vec::new() }).ok_or(Error::NoCache(*id))
        }
        CacheRef::Name(name) => resolve_name(connection, account, name).await,
    }
}

async fn resolve_name(
    connection: &mut SqliteConnection,
    account: &AccountId,
    name: &CacheName,
) -> Result<ResolvedCache> {
    let newest = sqlx::query(OF_NAME).bind(account.as_str()).bind(name.as_str());
    let newest = newest.fetch_optional(&mut *connection).await.map_err(failed("find the cache by name"))?;
    let cache =
        newest.as_ref().map(rows::cache).transpose()?.ok_or_else(|| Error::NoCacheOfName(name.clone()))?;
    let others: Vec<String> = sqlx::query_scalar(OTHERS_OF_NAME)
        .bind(account.as_str())
        .bind(name.as_str())
        .bind(cache.id.to_string())
        .bind(i64::from(OTHERS_LIMIT))
        .fetch_all(connection)
        .await
        .map_err(failed("find the caches of the name"))?;
    let others = others.into_iter().map(|id| parse("id", &id)).collect::<Result<_>>()?;
    Ok(ResolvedCache { cache, others })
}

/// Instances that hold a snapshot that the cache names, some of them.
pub(super) async fn holders(connection: &mut SqliteConnection, id: CacheId) -> Result<Vec<InstanceName>> {
    let names: Vec<String> = sqlx::query_scalar(HOLDERS)
        .bind(id.to_string())
        .bind(i64::from(OTHERS_LIMIT))
        .fetch_all(connection)
        .await
        .map_err(failed("find the instances of the cache's snapshots"))?;
    names.into_iter().map(|name| parse("name", &name)).collect()
}
