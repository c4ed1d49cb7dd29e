//! How many caches there are, by account, origin and state, as it is kept beside them.

use model::{AccountId, Origin};
use sqlx::QueryBuilder;

use super::{Connection, Database};
use crate::error::failed;
use crate::{CacheFilter, Result, Usage};

const GOING: &str =
    "SELECT CAST(coalesce(sum(caches), 0) AS BIGINT) FROM usage WHERE account = $1 AND deleting";

const COUNTED: &str = "SELECT CAST(coalesce(sum(caches), 0) AS BIGINT) FROM usage \
     WHERE account = $1 AND origin = $2 AND NOT deleting";

/// How many of that origin count against the account's quota.
pub(super) async fn counted(connection: &mut Connection, account: &AccountId, origin: Origin) -> Result<u64> {
    let query = sqlx::query_scalar(COUNTED).bind(account.as_str()).bind(origin.as_str());
    let count: i64 = query.fetch_one(connection).await.map_err(failed("count the account's caches"))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

pub(super) async fn usage(connection: &mut Connection, account: &AccountId) -> Result<Usage> {
    let manual = counted(connection, account, Origin::Manual).await?;
    Ok(Usage { manual, automatic: counted(connection, account, Origin::Automatic).await? })
}

/// Whether the deletion of one was asked for.
pub(super) async fn has_going(connection: &mut Connection, account: &AccountId) -> Result<bool> {
    let query = sqlx::query_scalar(GOING).bind(account.as_str());
    let count: i64 = query.fetch_one(connection).await.map_err(failed("count the account's caches"))?;
    Ok(count > 0)
}

/// Whether it looks at nothing but account, origin, state and whether they go: how many there are of these is kept.
pub(super) fn is_counted(filter: &CacheFilter) -> bool {
    let counted = CacheFilter {
        account: filter.account.clone(),
        origin: filter.origin,
        states: filter.states.clone(),
        lasting: filter.lasting,
        ..CacheFilter::default()
    };
    *filter == counted
}

/// How many caches a filter lets through that looks at nothing else.
pub(super) async fn count(connection: &mut Connection, filter: &CacheFilter) -> Result<u64> {
    let mut query = statement(filter);
    let count = query.build_query_scalar().fetch_one(connection).await;
    let count: i64 = count.map_err(failed("count caches"))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn statement(filter: &CacheFilter) -> QueryBuilder<Database> {
    let mut query =
        QueryBuilder::new("SELECT CAST(coalesce(sum(caches), 0) AS BIGINT) FROM usage WHERE caches > 0");
    if let Some(account) = &filter.account {
        query.push(" AND account = ").push_bind(account.to_string());
    }
    if let Some(origin) = filter.origin {
        query.push(" AND origin = ").push_bind(origin.as_str());
    }
    if let Some(states) = &filter.states {
        // Of none of them there is none.
        query.push(" AND state IN (''");
        for state in states {
            query.push(", ").push_bind(state.as_str());
        }
        query.push(")");
    }
    if filter.lasting {
        query.push(" AND NOT deleting");
    }
    query
}
