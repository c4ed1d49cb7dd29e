//! Bearer tokens.

use model::{AccountId, Timestamp};
use sqlx::SqliteConnection;

use crate::error::{failed, taken};
use crate::rows::{self, to_json};
use crate::{PAGE_LIMIT, Result, TokenId, TokenRecord, rules};

const INSERT: &str = "INSERT INTO tokens (id, digest, account, label, scopes, created, expires, revoked, last_used) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";

const LIST: &str = "SELECT * FROM tokens WHERE ?1 IS NULL OR account = ?1 ORDER BY created, id LIMIT ?2";

const TOUCH: &str =
    "UPDATE tokens SET last_used = ?1 WHERE id = ?2 AND (last_used IS NULL OR last_used < ?1)";

pub(super) async fn create(connection: &mut SqliteConnection, token: &TokenRecord) -> Result<()> {
    let done = sqlx::query(INSERT)
        .bind(token.id().as_str())
        .bind(token.digest.as_slice())
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
        return Err(taken("token", token.id().as_str()));
    }
    Ok(())
}

pub(super) async fn get(connection: &mut SqliteConnection, id: &TokenId) -> Result<Option<TokenRecord>> {
    let row = sqlx::query("SELECT * FROM tokens WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed("read the token"))?;
    row.as_ref().map(rows::token).transpose()
}

/// The token of that digest, not only of its first bytes.
pub(super) async fn by_digest(
    connection: &mut SqliteConnection,
    digest: &[u8; 32],
) -> Result<Option<TokenRecord>> {
    Ok(get(connection, &TokenId::of(digest)).await?.filter(|token| token.digest == *digest))
}

pub(super) async fn list(
    connection: &mut SqliteConnection,
    account: Option<&AccountId>,
) -> Result<Vec<TokenRecord>> {
    let rows = sqlx::query(LIST)
        .bind(account.map(AccountId::as_str))
        .bind(i64::from(PAGE_LIMIT))
        .fetch_all(connection)
        .await
        .map_err(failed("list the tokens"))?;
    rows.iter().map(rows::token).collect()
}

pub(super) async fn revoke(
    connection: &mut SqliteConnection,
    id: &TokenId,
    now: Timestamp,
) -> Result<Option<TokenRecord>> {
    sqlx::query("UPDATE tokens SET revoked = coalesce(revoked, ?) WHERE id = ?")
        .bind(now.as_micros())
        .bind(id.as_str())
        .execute(&mut *connection)
        .await
        .map_err(failed("revoke the token"))?;
    get(connection, id).await
}

pub(super) async fn touch(connection: &mut SqliteConnection, id: &TokenId, now: Timestamp) -> Result<()> {
    sqlx::query(TOUCH)
        .bind(rules::hour_of(now).as_micros())
        .bind(id.as_str())
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed("note the token's use"))
}
