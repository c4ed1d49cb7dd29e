//! What verbs wrote, in order.

use model::{AccountId, Event, Timestamp};

use super::writing::Writing;
use super::{Connection, events, locks};
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

const APPEND: &str = "INSERT INTO changes (subject, account, kind, at) VALUES ($1, $2, $3, $4)";

const BOUNDS: &str = "SELECT number AS forgotten, (SELECT coalesce(max(number), 0) FROM changes) AS newest FROM forgotten_changes";

/// The newest of those that are more than are kept.
const SURPLUS: &str = "SELECT number FROM changes ORDER BY number DESC LIMIT 1 OFFSET $1";

const COUNT: &str = "INSERT INTO usage (account, origin, state, deleting, caches) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (account, origin, state, deleting) DO UPDATE SET caches = usage.caches + excluded.caches";

/// The last step of a writing verb: what it counted, its events, and a change of each record that it wrote, or wrote an event about.
pub(in super::super) async fn publish(
    writing: &mut Writing,
    news: &[Event],
    now: Option<Timestamp>,
) -> Result<()> {
    if news.is_empty() && writing.touched.is_empty() && writing.counts.is_empty() {
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
    for (subject, touch) in std::mem::take(&mut writing.touched) {
        let at = rules::written(now, news, touch.at);
        sqlx::query(APPEND)
            .bind(subject.to_string())
            .bind(touch.account.as_str())
            .bind(touch.kind.as_str())
            .bind(at.as_micros())
            .execute(&mut **writing)
            .await
            .map_err(failed("note what changed"))?;
    }
    Ok(())
}

pub(super) async fn after(
    connection: &mut Connection,
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

pub(super) async fn newest(connection: &mut Connection) -> Result<ChangeNumber> {
    Ok(bounds(connection).await?.1)
}

/// The newest number that was dropped, and the newest of all.
async fn bounds(connection: &mut Connection) -> Result<(ChangeNumber, ChangeNumber)> {
    let row = sqlx::query(BOUNDS).fetch_one(connection).await.map_err(failed("find the newest change"))?;
    let (forgotten, newest) =
        (ChangeNumber(row.unsigned("forgotten")?), ChangeNumber(row.unsigned("newest")?));
    Ok((forgotten, newest.max(forgotten)))
}

pub(super) async fn forget(connection: &mut Connection, keep: u64) -> Result<()> {
    let failed = failed("drop old changes");
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    let last: Option<i64> =
        sqlx::query_scalar(SURPLUS).bind(keep).fetch_optional(&mut *connection).await.map_err(&failed)?;
    let Some(last) = last else { return Ok(()) };
    let gone = sqlx::query("DELETE FROM changes WHERE number <= $1").bind(last);
    gone.execute(&mut *connection).await.map_err(&failed)?;
    let noted = sqlx::query("UPDATE forgotten_changes SET number = $1 WHERE number < $1").bind(last);
    noted.execute(connection).await.map(drop).map_err(&failed)
}
