//! Events: counted where equal, bounded per subject.

use std::collections::BTreeSet;

use model::{AccountId, Event, Subject, Timestamp};

use super::{Connection, dialect, locks};
use crate::error::failed;
use crate::rows::{self, parse};
use crate::{EVENTS_PER_SUBJECT, Result, rules};

/// The reasons are those of [`model::EventReason::is_of_a_layer`]; a test compares.
const TRIM: &str = "DELETE FROM events WHERE subject = $1 AND number NOT IN (SELECT number FROM events WHERE subject = $1 \
     ORDER BY reason IN ('LayerStarted', 'LayerCommitted', 'LayerReused'), last DESC, number DESC LIMIT $2)";

const FORGET: &str = "DELETE FROM events WHERE last < $1 AND subject IN (SELECT subject FROM departed)";

const FORGET_DEPARTED: &str =
    "DELETE FROM departed WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.subject = departed.subject)";

const ACCOUNT: &str = "SELECT account FROM caches WHERE id = $1 UNION ALL SELECT account FROM instances WHERE id = $1 \
     UNION ALL SELECT account FROM groups WHERE id = $1 \
     UNION ALL SELECT account FROM departed WHERE subject = $1 LIMIT 1";

const DEPART: &str =
    "INSERT INTO departed (subject, account) VALUES ($1, $2) ON CONFLICT (subject) DO NOTHING";

pub(super) async fn append(connection: &mut Connection, events: &[Event]) -> Result<()> {
    let mut subjects = BTreeSet::new();
    for event in events {
        let subject = event.subject.to_string();
        let query = sqlx::query(dialect::APPEND_EVENT)
            .bind(&subject)
            .bind(event.kind.as_str())
            .bind(event.reason.as_str())
            .bind(event.first.as_micros())
            .bind(event.last.as_micros())
            .bind(i64::from(event.count));
        let query = dialect::bind_message(query, rules::kept(&event.message));
        query.execute(&mut *connection).await.map_err(failed("append an event"))?;
        subjects.insert(subject);
    }
    for subject in subjects {
        let trim = sqlx::query(TRIM).bind(subject).bind(i64::from(EVENTS_PER_SUBJECT));
        trim.execute(&mut *connection).await.map_err(failed("drop the oldest events"))?;
    }
    Ok(())
}

pub(super) async fn of(connection: &mut Connection, subject: Subject) -> Result<Vec<Event>> {
    let rows = sqlx::query("SELECT * FROM events WHERE subject = $1 ORDER BY last, number")
        .bind(subject.to_string())
        .fetch_all(connection)
        .await
        .map_err(failed("read the events"))?;
    rows.iter().map(|row| rows::event(row, subject)).collect()
}

pub(super) async fn account_of(connection: &mut Connection, subject: Subject) -> Result<Option<AccountId>> {
    let account: Option<Option<String>> = sqlx::query_scalar(ACCOUNT)
        .bind(subject.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed("find whose a record is"))?;
    account.flatten().map(|account| parse("account", &account)).transpose()
}

/// Notes a subject that has events and no record.
pub(super) async fn depart(
    connection: &mut Connection,
    subject: Subject,
    account: Option<&AccountId>,
) -> Result<()> {
    let query = sqlx::query(DEPART).bind(subject.to_string()).bind(account.map(AccountId::as_str));
    query.execute(connection).await.map(drop).map_err(failed("note whose the record was"))
}

/// Forgets that a subject had no record: it has one now.
pub(super) async fn arrive(connection: &mut Connection, subject: Subject) -> Result<()> {
    let query = sqlx::query("DELETE FROM departed WHERE subject = $1").bind(subject.to_string());
    query.execute(connection).await.map(drop).map_err(failed("note whose the record is"))
}

pub(super) async fn forget(connection: &mut Connection, before: Timestamp) -> Result<u64> {
    let failed = failed("forget old events");
    // So that nobody writes events meanwhile, in another order.
    locks::changes(connection).await?;
    let done = sqlx::query(FORGET).bind(before.as_micros()).execute(&mut *connection).await;
    let forgotten = done.map_err(&failed)?.rows_affected();
    sqlx::query(FORGET_DEPARTED).execute(connection).await.map_err(&failed)?;
    Ok(forgotten)
}

#[cfg(test)]
mod tests {
    use model::EventReason;

    #[test]
    fn the_statement_names_the_reasons_of_layers() {
        for reason in EventReason::ALL {
            let is_named = super::TRIM.contains(&format!("'{reason}'"));
            assert_eq!(is_named, reason.is_of_a_layer(), "{reason}");
        }
    }
}
