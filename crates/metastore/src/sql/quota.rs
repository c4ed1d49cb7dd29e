//! Whether there is room for one more cache.

use model::ImageCache;

use super::Connection;
use super::usage;
use crate::error::failed;
use crate::{Admission, Result, rows, rules};

/// The least recently used of those that may go.
const CANDIDATE: &str = concat!(
    "SELECT * FROM ",
    evictable!(),
    " AND account = $1 AND origin = $2 \
     AND NOT EXISTS (SELECT 1 FROM instances WHERE instances.snapshot = caches.snapshot) \
     AND NOT EXISTS (SELECT 1 FROM instances JOIN cache_generations ON cache_generations.snapshot = instances.snapshot \
     WHERE cache_generations.cache = caches.id) ORDER BY coalesce(last_used, created), id LIMIT 1"
);

/// Refuses a cache over its account's quota. The account is locked.
pub(super) async fn check(
    connection: &mut Connection,
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
        .map_err(failed("find a cache that makes room"))?;
    let candidates: Vec<ImageCache> = candidates.iter().map(rows::cache).collect::<Result<_>>()?;
    rules::room(cache, admission, counted, &candidates)
}
