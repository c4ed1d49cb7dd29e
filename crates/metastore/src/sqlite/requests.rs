//! Client tokens: requests that are answered once only.

use model::{AccountId, CacheId, ImageCache, Timestamp};
use sqlx::SqliteConnection;

use super::caches;
use crate::error::failed;
use crate::rows::{self, to_json};
use crate::{Result, TokenUse, rules};

const REMEMBER: &str = "INSERT INTO client_tokens (account, operation, token, fingerprint, kept_until, cache) \
     VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account, operation, token) DO UPDATE SET \
     fingerprint = excluded.fingerprint, kept_until = excluded.kept_until, cache = excluded.cache";

/// The cache that the request of this token was about, where it was done before.
pub(super) async fn before(
    connection: &mut SqliteConnection,
    account: &AccountId,
    token: &TokenUse,
    target: Option<CacheId>,
    now: Timestamp,
) -> Result<Option<ImageCache>> {
    let row = sqlx::query("SELECT * FROM client_tokens WHERE account = ? AND operation = ? AND token = ?")
        .bind(account.as_str())
        .bind(token.operation.as_str())
        .bind(token.token.as_str())
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed("look for the client token"))?;
    let Some(row) = row else { return Ok(None) };
    let known = rows::remembered_request(&row)?;
    if !rules::is_repeated(&known, token, target, now)? {
        return Ok(None);
    }
    Ok(Some(caches::find(connection, known.then.id).await?.unwrap_or(known.then)))
}

pub(super) async fn remember(
    connection: &mut SqliteConnection,
    cache: &ImageCache,
    token: &TokenUse,
) -> Result<()> {
    sqlx::query(REMEMBER)
        .bind(cache.account.as_str())
        .bind(token.operation.as_str())
        .bind(token.token.as_str())
        .bind(token.fingerprint.as_slice())
        .bind(token.kept_until.as_micros())
        .bind(to_json(cache))
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed("remember the client token"))
}

pub(super) async fn forget(connection: &mut SqliteConnection, now: Timestamp) -> Result<u64> {
    let done = sqlx::query("DELETE FROM client_tokens WHERE kept_until <= ?").bind(now.as_micros());
    let done = done.execute(connection).await.map_err(failed("forget old client tokens"))?;
    Ok(done.rows_affected())
}
