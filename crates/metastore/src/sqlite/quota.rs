//! Whether there is room for one more cache, and which one makes room for it.

use model::ImageCache;
use sqlx::SqliteConnection;

use super::usage;
use crate::error::failed;
use crate::{Admission, Result, rows, rules};

/// The least recently used cache that may go and that no instance holds.
const CANDIDATE: &str = "SELECT * FROM caches INDEXED BY caches_by_use \
     WHERE account = ? AND origin = ? AND evictable = 1 \
     AND NOT EXISTS (SELECT 1 FROM instances WHERE instances.snapshot = caches.snapshot) \
     AND NOT EXISTS (SELECT 1 FROM cache_generations AS earlier JOIN instances USING (snapshot) \
         WHERE earlier.cache = caches.id) \
     ORDER BY coalesce(last_used, created), id LIMIT 1";

/// Refuses a cache that is over its account's quota.
pub(super) async fn check(
    connection: &mut SqliteConnection,
    cache: &ImageCache,
    admission: &Admission,
) -> Result<()> {
    let counted = usage::counted(connection, &cache.account, cache.origin).await?;
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
