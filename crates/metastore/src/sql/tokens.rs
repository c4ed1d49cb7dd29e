//! Bearer tokens.

use model::{AccountId, Timestamp};

use super::Connection;
use crate::error::{failed, taken};
use crate::rows::{self, to_json};
use crate::{PAGE_LIMIT, Result, TokenId, TokenRecord, rules};

const CREATE: &str = "INSERT INTO tokens (id, digest, account, label, scopes, created, expires, revoked, last_used) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";

const REVOKE: &str = "UPDATE tokens SET revoked = coalesce(revoked, $2) WHERE id = $1 RETURNING *";

const TOUCH: &str =
    "UPDATE tokens SET last_used = $2 WHERE id = $1 AND (last_used IS NULL OR last_used < $2)";

const OF_ACCOUNT: &str =
    "SELECT * FROM tokens WHERE CAST($1 AS TEXT) IS NULL OR account = $1 ORDER BY created, id LIMIT $2";

pub(super) async fn create(connection: &mut Connection, token: &TokenRecord) -> Result<()> {
    let id = token.id();
    let done = sqlx::query(CREATE)
        .bind(id.as_str())
        .bind(&token.digest[..])
        .bind(token.account.as_str())
        .bind(rules::kept(&token.label))
        .bind(to_json(&token.scopes))
        .bind(token.created.as_micros())
        .bind(token.expires.map(Timestamp::as_micros))
        .bind(token.revoked.map(Timestamp::as_micros))
        .bind(token.last_used.map(Timestamp::as_micros))
        .execute(connection)
        .await
        .map_err(failed("record the token"))?;
    if done.rows_affected() == 0 {
        return Err(taken("token", id.as_str()));
    }
    Ok(())
}

pub(super) async fn get(connection: &mut Connection, digest: &[u8; 32]) -> Result<Option<TokenRecord>> {
    let row = sqlx::query("SELECT * FROM tokens WHERE id = $1 AND digest = $2")
        .bind(TokenId::of(digest).as_str())
        .bind(&digest[..])
        .fetch_optional(connection)
        .await
        .map_err(failed("find the token"))?;
    row.as_ref().map(rows::token).transpose()
}

pub(super) async fn all(
    connection: &mut Connection,
    account: Option<&AccountId>,
) -> Result<Vec<TokenRecord>> {
    let rows = sqlx::query(OF_ACCOUNT)
        .bind(account.map(AccountId::as_str))
        .bind(i64::from(PAGE_LIMIT))
        .fetch_all(connection)
        .await
        .map_err(failed("list the tokens"))?;
    rows.iter().map(rows::token).collect()
}

pub(super) async fn revoke(
    connection: &mut Connection,
    id: &TokenId,
    now: Timestamp,
) -> Result<Option<TokenRecord>> {
    let query = sqlx::query(REVOKE).bind(id.as_str()).bind(now.as_micros());
    let row = query.fetch_optional(connection).await.map_err(failed("revoke the token"))?;
    row.as_ref().map(rows::token).transpose()
}

pub(super) async fn touch(connection: &mut Connection, id: &TokenId, now: Timestamp) -> Result<()> {
    let query = sqlx::query(TOUCH).bind(id.as_str()).bind(rules::hour_of(now).as_micros());
    query.execute(connection).await.map(drop).map_err(failed("note the token's use"))
}
