//! Caches: read, found, written.

use model::{AccountId, CacheId, CacheName, ImageCache, ImageSource, Subject, Timestamp};

use super::changes::Touch;
use super::pages::{Statement, push_page};
use super::writing::Writing;
use super::{Connection, Database, Query, dialect, events, find, usage};
use crate::error::{failed, taken};
use crate::record::OutlineAndSummary;
use crate::rows::{self, Columns as _, parse, signed, to_json};
use crate::{
    CacheFilter, CacheListing, CacheOutline, CacheRef, ChangeKind, Error, OTHERS_LIMIT, Order, Page,
    ResolvedCache, Result, rules,
};

const INSERT: &str = "INSERT INTO caches (id, account, name, origin, state, images, platform, size_limit, policy, \
     access, snapshot, unpacked_size, generations, progress, copies, starts, spared_bytes, spared_milliseconds, \
     failure_reason, failure_message, created, updated, last_used, checked, deleting, evictable, notes) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, \
     $24, $25, $26, $27) ON CONFLICT (id) DO NOTHING";

const UPDATE: &str = "UPDATE caches SET account = $2, name = $3, origin = $4, state = $5, images = $6, platform = $7, \
     size_limit = $8, policy = $9, access = $10, snapshot = $11, unpacked_size = $12, generations = $13, \
     progress = $14, copies = $15, starts = $16, spared_bytes = $17, spared_milliseconds = $18, failure_reason = $19, \
     failure_message = $20, created = $21, updated = $22, last_used = $23, checked = $24, deleting = $25, evictable = $26, \
     notes = $27 WHERE id = $1";

const INDEX_IMAGES: &str = concat!(
    "INSERT INTO cache_images (cache, account, image, repository) SELECT $1, $2, one, other FROM ",
    pairs!(3, 4),
    " WHERE true ON CONFLICT DO NOTHING"
);

const INDEX_TAGS: &str = concat!(
    "INSERT INTO cache_tags (cache, account, key, value) SELECT $1, $2, one, other FROM ",
    pairs!(3, 4)
);

const INDEX_LABELS: &str =
    concat!("INSERT INTO cache_labels (cache, key, value) SELECT $1, one, other FROM ", pairs!(2, 3));

const INDEX_GENERATION: &str = "INSERT INTO cache_generations (cache, snapshot) VALUES ($1, $2)";

const GET: &str = "SELECT * FROM caches WHERE id = $1";

const LOCK: &str = concat!("SELECT * FROM caches WHERE id = $1", for_update!());

/// The one that is meant.
const NAMED: &str = "SELECT * FROM caches WHERE account = $1 AND name = $2 \
     ORDER BY (state IN ('Ready', 'Updating', 'UpdateFailed') AND snapshot IS NOT NULL AND deleting IS NULL) DESC, \
     created DESC, id DESC LIMIT 1";

const OTHERS_OF_NAME: &str = "SELECT id FROM caches WHERE account = $1 AND name = $2 AND id <> $3 \
     ORDER BY created DESC, id DESC LIMIT $4";

pub(super) async fn get(connection: &mut Connection, id: CacheId) -> Result<ImageCache> {
    one(connection, GET, id).await
}

/// The cache, which nobody else changes from now on, nor what belongs to it.
pub(super) async fn locked(connection: &mut Connection, id: CacheId) -> Result<ImageCache> {
    one(connection, LOCK, id).await
}

/// As [`locked`]; `None` where there is no such cache.
pub(super) async fn locked_if_there(connection: &mut Connection, id: CacheId) -> Result<Option<ImageCache>> {
    match locked(connection, id).await {
        Err(Error::NoCache(_)) => Ok(None),
        found => found.map(Some),
    }
}

async fn one(connection: &mut Connection, statement: &'static str, id: CacheId) -> Result<ImageCache> {
    let row = sqlx::query(statement).bind(id.to_string()).fetch_optional(connection).await;
    let row = row.map_err(failed("read the cache"))?;
    row.as_ref().map(rows::cache).transpose()?.ok_or(Error::NoCache(id))
}

pub(super) async fn resolve(
    connection: &mut Connection,
    account: &AccountId,
    wanted: &CacheRef,
) -> Result<ResolvedCache> {
    match wanted {
        CacheRef::Id(id) => {
            let cache = get(connection, *id).await?;
            let found = (cache.account == *account).then(|| ResolvedCache { cache, others: Vec::new() });
            found.ok_or(Error::NoCache(*id))
        }
        CacheRef::Name(name) => resolve_name(connection, account, name).await,
    }
}

async fn resolve_name(
    connection: &mut Connection,
    account: &AccountId,
    name: &CacheName,
) -> Result<ResolvedCache> {
    let newest = sqlx::query(NAMED).bind(account.as_str()).bind(name.as_str());
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

/// A page, and where that is asked for the first one behind it.
pub(super) async fn find(
    connection: &mut Connection,
    wanted: &CacheFilter,
    page: Page<CacheId>,
    and_one: bool,
) -> Result<Vec<ImageCache>> {
    let mut statement = find::page_of_caches(wanted, &page, and_one);
    let rows = statement.build().fetch_all(connection).await.map_err(failed("find caches"))?;
    rows.iter().map(rows::cache).collect()
}

/// What is outlined of a cache as text, a line each. No column has a line's end in it: ids have none, and JSON escapes it.
macro_rules! outline {
    () => {
        "concat_ws('\n', id, account, state, created, size_limit, platform, coalesce(snapshot, ''), generations, \
         CASE WHEN deleting IS NULL THEN '' ELSE 'deleting' END) AS outline"
    };
}

/// A page comes in one row: each row that is handed over wakes who waits for it, and there are a hundred thousand caches.
const OUTLINES: &str = concat!(
    "SELECT string_agg(outline, '\n' ORDER BY id) AS outlines FROM (SELECT id, ",
    outline!(),
    " FROM caches WHERE true"
);

/// The same with the summaries' lengths as a further line each, and the summaries behind one another.
const OUTLINES_SERVING: &str = concat!(
    "SELECT string_agg(concat(outline, '\n', octet_length(summary)), '\n' ORDER BY id) AS outlines, ",
    all_bytes!("summary", "id"),
    " AS summaries FROM (SELECT id, ",
    outline!(),
    ", (SELECT summary FROM snapshots WHERE snapshots.id = caches.snapshot) AS summary FROM caches WHERE true"
);

pub(super) async fn outline(connection: &mut Connection, page: Page<CacheId>) -> Result<Vec<CacheOutline>> {
    let row = outlines(connection, OUTLINES, &page).await?;
    let found = rows::outlines(&row)?;
    Ok(in_order(found, page.order))
}

pub(super) async fn outline_serving(
    connection: &mut Connection,
    page: Page<CacheId>,
) -> Result<Vec<OutlineAndSummary>> {
    let row = outlines(connection, OUTLINES_SERVING, &page).await?;
    let found = rows::outlines_and_summaries(&row)?;
    Ok(in_order(found, page.order))
}

async fn outlines(
    connection: &mut Connection,
    beginning: &'static str,
    page: &Page<CacheId>,
) -> Result<<Database as sqlx::Database>::Row> {
    let mut statement = Statement::new(beginning);
    push_page(&mut statement, page);
    statement.push(") AS page");
    statement.build().fetch_one(connection).await.map_err(failed("find caches"))
}

/// What came from the oldest on.
fn in_order<T>(mut found: Vec<T>, order: Order) -> Vec<T> {
    if order == Order::NewestFirst {
        found.reverse();
    }
    found
}

/// A page of a listing.
pub(super) async fn list(
    connection: &mut Connection,
    wanted: &CacheFilter,
    page: Page<CacheId>,
) -> Result<CacheListing> {
    let mut wanted = wanted.clone();
    if wanted.lasting
        && let Some(account) = &wanted.account
    {
        // Mostly there is none that goes: then the indices do, and no row is read for that.
        wanted.lasting = usage::has_going(connection, account).await?;
    }
    let wanted = &wanted;
    let found = match page.limit {
        0 => Vec::new(),
        _ => find(connection, wanted, page, true).await?,
    };
    Ok(CacheListing::of(found, &page, count(connection, wanted).await?))
}

pub(super) async fn count(connection: &mut Connection, wanted: &CacheFilter) -> Result<u64> {
    if usage::is_counted(wanted) {
        return usage::count(connection, wanted).await;
    }
    let mut statement = find::counting(wanted);
    statement.build().fetch_one(connection).await.map_err(failed("count caches"))?.unsigned("count")
}

/// The columns of a cache, in the order of both statements that write one.
fn bind(statement: &'static str, cache: &ImageCache) -> Result<Query> {
    let unpacked = cache.unpacked_size.map(|size| signed("unpacked size", size.as_u64())).transpose()?;
    let failure = cache.failure.as_ref();
    Ok(sqlx::query(statement)
        .bind(cache.id.to_string())
        .bind(cache.account.to_string())
        .bind(cache.name.to_string())
        .bind(cache.origin.as_str())
        .bind(cache.state.as_str())
        .bind(to_json(&cache.images))
        .bind(to_json(&cache.platform))
        .bind(signed("size limit", cache.size_limit.as_u64())?)
        .bind(to_json(&cache.policy))
        .bind(to_json(&cache.access))
        .bind(cache.snapshot.map(|id| id.to_string()))
        .bind(unpacked)
        .bind(to_json(&cache.generations))
        .bind(i64::from(cache.progress.get()))
        .bind(to_json(&cache.copies))
        .bind(signed("number of starts", cache.savings.starts)?)
        .bind(signed("number of spared bytes", cache.savings.fetched_bytes.as_u64())?)
        .bind(signed("spared time", cache.savings.milliseconds)?)
        .bind(failure.map(|failure| failure.reason.as_str()))
        .bind(failure.map(|failure| failure.message.as_str()))
        .bind(cache.created.as_micros())
        .bind(cache.updated.as_micros())
        .bind(cache.last_used.map(Timestamp::as_micros))
        .bind(cache.checked.map(Timestamp::as_micros))
        .bind(cache.deleting.map(Timestamp::as_micros))
        .bind(rules::could_make_room(cache))
        .bind(cache.notes.as_ref().map(to_json)))
}

pub(super) async fn create(writing: &mut Writing, cache: &ImageCache) -> Result<()> {
    let done = bind(INSERT, cache)?.execute(&mut **writing).await.map_err(failed("record the cache"))?;
    if done.rows_affected() == 0 {
        return Err(taken("cache", cache.id));
    }
    index_images(writing, cache).await?;
    index_tags(writing, cache).await?;
    index_labels(writing, cache).await?;
    writing.count(cache, 1);
    events::arrive(writing, Subject::Cache(cache.id)).await?;
    touch(writing, cache, ChangeKind::Put);
    Ok(())
}

/// Writes a cache that was `before`, which is locked.
pub(super) async fn save(writing: &mut Writing, before: &ImageCache, cache: &ImageCache) -> Result<()> {
    bind(UPDATE, cache)?.execute(&mut **writing).await.map_err(failed("change the cache"))?;
    if before.images != cache.images {
        clear(writing, "DELETE FROM cache_images WHERE cache = $1", cache.id).await?;
        index_images(writing, cache).await?;
    }
    if before.policy.tags != cache.policy.tags {
        clear(writing, "DELETE FROM cache_tags WHERE cache = $1", cache.id).await?;
        index_tags(writing, cache).await?;
    }
    if before.notes != cache.notes {
        clear(writing, "DELETE FROM cache_labels WHERE cache = $1", cache.id).await?;
        index_labels(writing, cache).await?;
    }
    if before.generations != cache.generations {
        clear(writing, "DELETE FROM cache_generations WHERE cache = $1", cache.id).await?;
        index_generations(writing, cache).await?;
    }
    writing.count(before, -1);
    writing.count(cache, 1);
    touch(writing, cache, ChangeKind::Put);
    Ok(())
}

pub(super) fn touch(writing: &mut Writing, cache: &ImageCache, kind: ChangeKind) {
    let touch = Touch { account: cache.account.clone(), kind, at: cache.updated };
    writing.touched.insert(Subject::Cache(cache.id), touch);
}

async fn clear(connection: &mut Connection, statement: &'static str, id: CacheId) -> Result<()> {
    let done = sqlx::query(statement).bind(id.to_string()).execute(connection).await;
    done.map(drop).map_err(failed("index the cache"))
}

async fn index_images(connection: &mut Connection, cache: &ImageCache) -> Result<()> {
    let images: Vec<String> = cache.images.iter().map(dialect::image_key).collect();
    let references = cache.images.iter().map(ImageSource::reference);
    let repositories: Vec<Option<&str>> =
        references.map(|reference| reference.map(|found| found.repository().as_str())).collect();
    let query = sqlx::query(INDEX_IMAGES).bind(cache.id.to_string()).bind(cache.account.as_str());
    let done = query
        .bind(dialect::list(&images))
        .bind(dialect::list_or_null(&repositories))
        .execute(connection)
        .await;
    done.map(drop).map_err(failed("index the cache's images"))
}

async fn index_tags(connection: &mut Connection, cache: &ImageCache) -> Result<()> {
    if cache.policy.tags.is_empty() {
        return Ok(());
    }
    let (keys, values): (Vec<&String>, Vec<&String>) = cache.policy.tags.iter().unzip();
    let query = sqlx::query(INDEX_TAGS).bind(cache.id.to_string()).bind(cache.account.as_str());
    let done = query.bind(dialect::list(&keys)).bind(dialect::list(&values)).execute(connection).await;
    done.map(drop).map_err(failed("index the cache's tags"))
}

async fn index_labels(connection: &mut Connection, cache: &ImageCache) -> Result<()> {
    let labels = cache.notes.iter().flat_map(model::CloudNotes::labels);
    let (keys, values): (Vec<&String>, Vec<&String>) = labels.unzip();
    if keys.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(INDEX_LABELS).bind(cache.id.to_string());
    let query = query.bind(dialect::list(&keys)).bind(dialect::list(&values));
    query.execute(connection).await.map(drop).map_err(failed("index the cache's labels"))
}

async fn index_generations(connection: &mut Connection, cache: &ImageCache) -> Result<()> {
    for generation in &cache.generations {
        let query = sqlx::query(INDEX_GENERATION).bind(cache.id.to_string());
        let done = query.bind(generation.snapshot.to_string()).execute(&mut *connection).await;
        done.map_err(failed("index the cache's generations"))?;
    }
    Ok(())
}
