//! Accounts and access keys.

use model::{AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, SealedSecret, Timestamp};

use super::Connection;
use crate::error::{failed, taken};
use crate::rows;
use crate::{Error, PAGE_LIMIT, Result, rules};

const CREATE_ACCOUNT: &str =
    "INSERT INTO accounts (id, label, created) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";

const CREATE: &str = "INSERT INTO access_keys (id, account, secret, status, policy, label, created, last_used) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";

const LIST: &str = "SELECT * FROM access_keys WHERE (CAST($1 AS TEXT) IS NULL OR account = $1) AND id > $2 ORDER BY id LIMIT $3";

const SET_STATUS: &str = "UPDATE access_keys SET status = $2 WHERE id = $1 RETURNING *";

const DELETE: &str = "DELETE FROM access_keys WHERE id = $1 RETURNING *";

const RESEAL: &str = "UPDATE access_keys SET secret = $3 WHERE id = $1 AND secret = $2";

const TOUCH: &str =
    "UPDATE access_keys SET last_used = $2 WHERE id = $1 AND (last_used IS NULL OR last_used < $2)";

pub(super) async fn create_account(connection: &mut Connection, account: &Account) -> Result<()> {
    let query = sqlx::query(CREATE_ACCOUNT)
        .bind(account.id.as_str())
        .bind(rules::kept(&account.label))
        .bind(account.created.as_micros());
    let done = query.execute(connection).await.map_err(failed("record the account"))?;
    match done.rows_affected() {
        0 => Err(Error::AccountTaken(account.id.clone())),
        _ => Ok(()),
    }
}

pub(super) async fn account(connection: &mut Connection, id: &AccountId) -> Result<Option<Account>> {
    let query = sqlx::query("SELECT * FROM accounts WHERE id = $1").bind(id.as_str());
    let row = query.fetch_optional(connection).await.map_err(failed("find the account"))?;
    row.as_ref().map(rows::account).transpose()
}

pub(super) async fn accounts(connection: &mut Connection) -> Result<Vec<Account>> {
    let query = sqlx::query("SELECT * FROM accounts ORDER BY id");
    let rows = query.fetch_all(connection).await.map_err(failed("list the accounts"))?;
    rows.iter().map(rows::account).collect()
}

/// Accounts never go: one that was there a moment ago is there.
pub(super) async fn create(connection: &mut Connection, key: &AccessKey) -> Result<()> {
    if account(connection, &key.account).await?.is_none() {
        return Err(Error::NoAccount(key.account.clone()));
    }
    let done = sqlx::query(CREATE)
        .bind(key.id.as_str())
        .bind(key.account.as_str())
        .bind(key.secret.as_bytes())
        .bind(key.status.as_str())
        .bind(key.policy.as_str())
        .bind(rules::kept(&key.label))
        .bind(key.created.as_micros())
        .bind(key.last_used.map(Timestamp::as_micros))
        .execute(connection)
        .await
        .map_err(failed("record the access key"))?;
    if done.rows_affected() == 0 {
        return Err(taken("access key", &key.id));
    }
    Ok(())
}

pub(super) async fn get(connection: &mut Connection, id: &AccessKeyId) -> Result<Option<AccessKey>> {
    let query = sqlx::query("SELECT * FROM access_keys WHERE id = $1").bind(id.as_str());
    let row = query.fetch_optional(connection).await.map_err(failed("find the access key"))?;
    row.as_ref().map(rows::access_key).transpose()
}

pub(super) async fn list(
    connection: &mut Connection,
    account: Option<&AccountId>,
    after: Option<&AccessKeyId>,
    limit: u32,
) -> Result<Vec<AccessKey>> {
    let rows = sqlx::query(LIST)
        .bind(account.map(AccountId::as_str))
        .bind(after.map_or("", AccessKeyId::as_str))
        .bind(i64::from(limit.min(PAGE_LIMIT)))
        .fetch_all(connection)
        .await
        .map_err(failed("list the access keys"))?;
    rows.iter().map(rows::access_key).collect()
}

pub(super) async fn set_status(
    connection: &mut Connection,
    id: &AccessKeyId,
    status: AccessKeyStatus,
) -> Result<Option<AccessKey>> {
    let query = sqlx::query(SET_STATUS).bind(id.as_str()).bind(status.as_str());
    let row = query.fetch_optional(connection).await.map_err(failed("change the access key"))?;
    row.as_ref().map(rows::access_key).transpose()
}

pub(super) async fn delete(connection: &mut Connection, id: &AccessKeyId) -> Result<Option<AccessKey>> {
    let query = sqlx::query(DELETE).bind(id.as_str());
    let row = query.fetch_optional(connection).await.map_err(failed("delete the access key"))?;
    row.as_ref().map(rows::access_key).transpose()
}

pub(super) async fn reseal(
    connection: &mut Connection,
    id: &AccessKeyId,
    from: &SealedSecret,
    to: &SealedSecret,
) -> Result<bool> {
    let query = sqlx::query(RESEAL).bind(id.as_str()).bind(from.as_bytes()).bind(to.as_bytes());
    let done = query.execute(connection).await.map_err(failed("seal the access key's secret anew"))?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn touch(connection: &mut Connection, id: &AccessKeyId, now: Timestamp) -> Result<()> {
    let query = sqlx::query(TOUCH).bind(id.as_str()).bind(rules::hour_of(now).as_micros());
    query.execute(connection).await.map(drop).map_err(failed("note the access key's use"))
}
