//! What verbs wrote, in order.

use model::{AccountId, Event, Timestamp};
use sqlx::PgConnection;

use super::connection::Writing;
use super::{events, locks};
use crate::error::failed;
use crate::rows::{self, Columns as _};
use crate::{Change, ChangeKind, ChangeNumber, PAGE_LIMIT, Result, rules};

/// What a verb did to a record.
#[derive(Clone, Debug)]
pub(super) struct Touch {
    pub(super) account: AccountId,
    pub(super) kind: ChangeKind,
    /// When the record says that it last changed.
    pub(super) at: Timestamp,
}

const APPEND: &str = "INSERT INTO changes (subject, account, kind, at) \
     SELECT subject, account, kind, at FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) \
     WITH ORDINALITY AS written (subject, account, kind, at, place) ORDER BY place";

const NEWEST: &str = "SELECT number AS forgotten, greatest(number, (SELECT max(number) FROM changes)) AS newest \
     FROM forgotten_changes";

const FORGET: &str = "WITH gone AS (DELETE FROM changes WHERE number <= \
     (SELECT number FROM changes ORDER BY number DESC OFFSET $1 LIMIT 1) RETURNING number) \
     UPDATE forgotten_changes SET number = greatest(number, (SELECT max(number) FROM gone))";

const COUNT: &str = "INSERT INTO usage (account, origin, state, deleting, caches) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (account, origin, state, deleting) DO UPDATE SET caches = usage.caches + excluded.caches";

/// The last step of a writing verb: what it counted, its events, and a change of each record that it wrote, or wrote an event about.
pub(super) async fn publish(writing: &mut Writing, news: &[Event], now: Option<Timestamp>) -> Result<()> {
    if news.is_empty() && writing.touched.is_empty() {
        return Ok(());
    }
    locks::changes(writing).await?;
    count(writing).await?;
    events::append(writing, news).await?;
    for event in news {
        if writing.touched.contains_key(&event.subject) {
            continue;
        }
        match events::account_of(writing, event.subject).await? {
            Some(account) => {
                let touch = Touch { account, kind: ChangeKind::Put, at: event.last };
                writing.touched.insert(event.subject, touch);
            }
            None => events::depart(writing, event.subject, None).await?,
        }
    }
    append(writing, news, now).await
}

async fn count(writing: &mut Writing) -> Result<()> {
    let counts = std::mem::take(&mut writing.counts);
    for ((account, origin, state, is_deleting), by) in counts.into_iter().filter(|(_, by)| *by != 0) {
        let query = sqlx::query(COUNT).bind(account.to_string()).bind(origin).bind(state);
        let done = query.bind(is_deleting).bind(by).execute(&mut **writing).await;
        done.map_err(failed("count the account's caches"))?;
    }
    Ok(())
}

async fn append(writing: &mut Writing, news: &[Event], now: Option<Timestamp>) -> Result<()> {
    let (mut subjects, mut accounts, mut kinds, mut times) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (subject, touch) in std::mem::take(&mut writing.touched) {
        let at = rules::written(now, news, touch.at);
        subjects.push(subject.to_string());
        accounts.push(touch.account.to_string());
        kinds.push(touch.kind.as_str());
        times.push(at.as_micros());
    }
    let query = sqlx::query(APPEND).bind(subjects).bind(accounts).bind(kinds).bind(times);
    query.execute(&mut **writing).await.map(drop).map_err(failed("note what changed"))
}

pub(super) async fn after(
    connection: &mut PgConnection,
    number: ChangeNumber,
    limit: u32,
) -> Result<Option<Vec<Change>>> {
    // No number that was ever given is as large.
    let Ok(after) = i64::try_from(number.0) else { return Ok(None) };
    let rows = sqlx::query("SELECT * FROM changes WHERE number > $1 ORDER BY number LIMIT $2")
        .bind(after)
        .bind(i64::from(limit.min(PAGE_LIMIT)))
        .fetch_all(&mut *connection)
        .await
        .map_err(failed("read the changes"))?;
    // Looked at behind them: what is dropped meanwhile was still there.
    let (forgotten, newest) = bounds(connection).await?;
    if !rules::are_changes_whole(number, forgotten, newest) {
        return Ok(None);
    }
    rows.iter().map(rows::change).collect::<Result<_>>().map(Some)
}

pub(super) async fn newest(connection: &mut PgConnection) -> Result<ChangeNumber> {
    Ok(bounds(connection).await?.1)
}

/// The newest number that was dropped, and the newest of all.
async fn bounds(connection: &mut PgConnection) -> Result<(ChangeNumber, ChangeNumber)> {
    let row = sqlx::query(NEWEST).fetch_one(connection).await.map_err(failed("find the newest change"))?;
    Ok((ChangeNumber(row.unsigned("forgotten")?), ChangeNumber(row.unsigned("newest")?)))
}

pub(super) async fn forget(connection: &mut PgConnection, keep: u64) -> Result<()> {
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    sqlx::query(FORGET).bind(keep).execute(connection).await.map(drop).map_err(failed("drop old changes"))
}
