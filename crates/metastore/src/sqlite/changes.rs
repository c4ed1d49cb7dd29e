//! What verbs wrote, in the order in which it became visible: there is one writer at a time.

use std::collections::BTreeMap;

use model::{AccountId, Event, Group, ImageCache, Instance, Subject, Timestamp};
use sqlx::{Connection as _, SqliteConnection};

use crate::error::failed;
use crate::rows::{self, parse};
use crate::{Change, ChangeKind, ChangeNumber, Error, PAGE_LIMIT, Result, rules};

const CHANGES: &str = "SELECT * FROM changes WHERE number > ? ORDER BY number LIMIT ?";

const FORGET: &str = "DELETE FROM changes WHERE number <= \
     (SELECT number FROM changes ORDER BY number DESC LIMIT 1 OFFSET ?)";

/// The record that a verb wrote.
#[derive(Clone, Debug)]
pub(super) struct Touched {
    subject: Subject,
    account: AccountId,
    kind: ChangeKind,
    /// When the record says that it last changed.
    at: Timestamp,
}

impl From<&ImageCache> for Touched {
    fn from(cache: &ImageCache) -> Self {
        Self {
            subject: Subject::Cache(cache.id),
            account: cache.account.clone(),
            kind: ChangeKind::Put,
            at: cache.updated,
        }
    }
}

impl From<&Instance> for Touched {
    fn from(instance: &Instance) -> Self {
        Self {
            subject: Subject::Instance(instance.id),
            account: instance.account.clone(),
            kind: ChangeKind::Put,
            at: instance.finished.or(instance.started).unwrap_or(instance.created),
        }
    }
}

impl From<&Group> for Touched {
    fn from(group: &Group) -> Self {
        Self {
            subject: Subject::Group(group.id),
            account: group.account.clone(),
            kind: ChangeKind::Put,
            at: group.updated,
        }
    }
}

impl Touched {
    pub(super) fn gone(self) -> Self {
        Self { kind: ChangeKind::Gone, ..self }
    }
}

/// Leaves a change of each record that the verb wrote, or wrote an event about.
pub(super) async fn note(
    connection: &mut SqliteConnection,
    touched: Option<Touched>,
    news: &[Event],
    now: Option<Timestamp>,
) -> Result<()> {
    let mut others: BTreeMap<Subject, Timestamp> =
        news.iter().map(|event| (event.subject, event.last)).collect();
    if let Some(touched) = touched {
        others.remove(&touched.subject);
        if touched.kind == ChangeKind::Gone {
            depart(connection, touched.subject, Some(&touched.account)).await?;
        }
        let at = rules::written(now, news, touched.at);
        insert(connection, touched.subject, &touched.account, touched.kind, at).await?;
    }
    for (subject, last) in others {
        match account_of(connection, subject).await? {
            Some(account) => {
                let at = rules::written(now, news, last);
                insert(connection, subject, &account, ChangeKind::Put, at).await?;
            }
            None => depart(connection, subject, None).await?,
        }
    }
    Ok(())
}

async fn insert(
    connection: &mut SqliteConnection,
    subject: Subject,
    account: &AccountId,
    kind: ChangeKind,
    at: Timestamp,
) -> Result<()> {
    sqlx::query("INSERT INTO changes (subject, account, kind, at) VALUES (?, ?, ?, ?)")
        .bind(subject.to_string())
        .bind(account.as_str())
        .bind(kind.as_str())
        .bind(at.as_micros())
        .execute(connection)
        .await
        .map_err(failed("note the change"))?;
    Ok(())
}

/// Notes a subject that has events and no record.
async fn depart(
    connection: &mut SqliteConnection,
    subject: Subject,
    account: Option<&AccountId>,
) -> Result<()> {
    sqlx::query("INSERT INTO departed (subject, account) VALUES (?, ?) ON CONFLICT (subject) DO NOTHING")
        .bind(subject.to_string())
        .bind(account.map(AccountId::as_str))
        .execute(connection)
        .await
        .map_err(failed("note whose the record was"))?;
    Ok(())
}

/// Forgets that a subject had no record: it has one now.
pub(super) async fn arrive(connection: &mut SqliteConnection, subject: Subject) -> Result<()> {
    let done = sqlx::query("DELETE FROM departed WHERE subject = ?").bind(subject.to_string());
    done.execute(connection).await.map(drop).map_err(failed("note whose the record is"))
}

pub(super) async fn account_of(
    connection: &mut SqliteConnection,
    subject: Subject,
) -> Result<Option<AccountId>> {
    let statement = match subject {
        Subject::Cache(_) => {
            "SELECT account FROM caches WHERE id = ?1 UNION ALL SELECT account FROM departed WHERE subject = ?1 LIMIT 1"
        }
        Subject::Instance(_) => {
            "SELECT account FROM instances WHERE id = ?1 UNION ALL SELECT account FROM departed WHERE subject = ?1 LIMIT 1"
        }
        Subject::Group(_) => {
            "SELECT account FROM groups WHERE id = ?1 UNION ALL SELECT account FROM departed WHERE subject = ?1 LIMIT 1"
        }
    };
    let account: Option<Option<String>> = sqlx::query_scalar(statement)
        .bind(subject.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed("find whose the record is"))?;
    account.flatten().map(|account| parse("account", &account)).transpose()
}

pub(super) async fn after(
    connection: &mut SqliteConnection,
    number: ChangeNumber,
    limit: u32,
) -> Result<Option<Vec<Change>>> {
    let action = "read the changes";
    // One view of the records, whoever forgets meanwhile.
    let mut view = connection.begin().await.map_err(failed(action))?;
    let forgotten = forgotten(&mut view).await?;
    if !rules::are_changes_whole(number, forgotten, newest(&mut view).await?) {
        return Ok(None);
    }
    let rows = sqlx::query(CHANGES)
        .bind(i64::try_from(number.0).unwrap_or(i64::MAX))
        .bind(i64::from(limit.min(PAGE_LIMIT)))
        .fetch_all(&mut *view)
        .await
        .map_err(failed(action))?;
    rows.iter().map(rows::change).collect::<Result<_>>().map(Some)
}

async fn forgotten(connection: &mut SqliteConnection) -> Result<ChangeNumber> {
    number(connection, "SELECT number FROM forgotten_changes").await
}

pub(super) async fn newest(connection: &mut SqliteConnection) -> Result<ChangeNumber> {
    let newest = number(connection, "SELECT coalesce(max(number), 0) FROM changes").await?;
    Ok(newest.max(forgotten(connection).await?))
}

async fn number(connection: &mut SqliteConnection, statement: &'static str) -> Result<ChangeNumber> {
    let number: i64 =
        sqlx::query_scalar(statement).fetch_one(connection).await.map_err(failed("read the changes"))?;
    let number = u64::try_from(number);
    number.map(ChangeNumber).map_err(|_| Error::Column { column: "number", value: "negative".to_owned() })
}

pub(super) async fn forget(connection: &mut SqliteConnection, keep: u64) -> Result<()> {
    let action = "forget old changes";
    let newest = newest(connection).await?;
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    let done = sqlx::query(FORGET).bind(keep).execute(&mut *connection).await.map_err(failed(action))?;
    if done.rows_affected() == 0 {
        return Ok(());
    }
    // The first that is left follows the last that is gone: this database leaves no number out.
    sqlx::query("UPDATE forgotten_changes SET number = coalesce((SELECT min(number) - 1 FROM changes), ?)")
        .bind(i64::try_from(newest.0).unwrap_or(i64::MAX))
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed(action))
}
