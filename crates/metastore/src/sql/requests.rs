//! Requests that must be answered once only.

use model::{AccountId, ImageCache, Timestamp};

use super::Connection;
use super::caches;
use crate::error::failed;
use crate::rows::{self, to_json};
use crate::{Error, Result, TokenUse, rules};

const KNOWN: &str = "SELECT * FROM client_tokens WHERE account = $1 AND operation = $2 AND token = $3";

const REMEMBER: &str = "INSERT INTO client_tokens (account, operation, token, fingerprint, kept_until, cache) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, operation, token) DO UPDATE SET \
     fingerprint = excluded.fingerprint, kept_until = excluded.kept_until, cache = excluded.cache";

/// The cache that the request of this token was about, where it was done before. The account is locked.
pub(super) async fn before(
    connection: &mut Connection,
    account: &AccountId,
    token: &TokenUse,
    target: Option<model::CacheId>,
    now: Timestamp,
) -> Result<Option<ImageCache>> {
    let row = sqlx::query(KNOWN)
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
    match caches::get(connection, known.then.id).await {
        Ok(cache) => Ok(Some(cache)),
        Err(Error::NoCache(_)) => Ok(Some(known.then)),
        Err(error) => Err(error),
    }
}

pub(super) async fn remember(
    connection: &mut Connection,
    cache: &ImageCache,
    token: &TokenUse,
) -> Result<()> {
    sqlx::query(REMEMBER)
        .bind(cache.account.as_str())
        .bind(token.operation.as_str())
        .bind(token.token.as_str())
        .bind(&token.fingerprint[..])
        .bind(token.kept_until.as_micros())
        .bind(to_json(cache))
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed("remember the client token"))
}

pub(super) async fn forget(connection: &mut Connection, now: Timestamp) -> Result<u64> {
    let done = sqlx::query("DELETE FROM client_tokens WHERE kept_until <= $1").bind(now.as_micros());
    let done = done.execute(connection).await.map_err(failed("forget client tokens"))?;
    Ok(done.rows_affected())
}
