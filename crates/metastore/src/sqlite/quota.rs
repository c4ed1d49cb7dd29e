//! How many caches an account has, and which one makes room for another.

use model::{AccountId, ImageCache, Origin};
use sqlx::SqliteConnection;

use crate::error::failed;
use crate::{Admission, Result, Usage, rows, rules};

/// The least recently used cache that may go and that no instance holds.
const CANDIDATE: &str = "SELECT * FROM caches INDEXED BY caches_by_use \
     WHERE account = ? AND origin = ? AND evictable = 1 \
     AND NOT EXISTS (SELECT 1 FROM instances WHERE instances.snapshot = caches.snapshot) \
     AND NOT EXISTS (SELECT 1 FROM cache_generations AS earlier JOIN instances USING (snapshot) \
         WHERE earlier.cache = caches.id) \
     ORDER BY coalesce(last_used, created), id LIMIT 1";

pub(super) async fn usage(connection: &mut SqliteConnection, account: &AccountId) -> Result<Usage> {
    Ok(Usage {
        manual: counted(connection, account, Origin::Manual).await?,
        automatic: counted(connection, account, Origin::Automatic).await?,
    })
}

async fn counted(connection: &mut SqliteConnection, account: &AccountId, origin: Origin) -> Result<u64> {
    let count: Option<i64> = sqlx::query_scalar("SELECT caches FROM usage WHERE account = ? AND origin = ?")
        .bind(account.as_str())
        .bind(origin.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed("count the account's caches"))?;
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}

/// Refuses a cache that is over its account's quota.
pub(super) async fn check(
    connection: &mut SqliteConnection,
    cache: &ImageCache,
    admission: &Admission,
) -> Result<()> {
    let counted = counted(connection, &cache.account, cache.origin).await?;
    if rules::room(cache, admission, counted, &[]).is_ok() {
        return Ok(());
    }
    let candidates = sqlx::query(CANDIDATE)
        .bind(cache.account.as_str())
        .bind(cache.origin.as_str())
        .fetch_all(connection)
        .await
        .map_err(failed("find the cache that makes room"))?;
    let candidates = candidates.iter().map(rows::cache).collect::<Result<Vec<_>>>()?;
    rules::room(cache, admission, counted, &candidates)
}
