//! Events: counted where equal, bounded per subject.

use std::collections::BTreeSet;

use model::{Event, Subject, Timestamp};
use sqlx::SqliteConnection;

use crate::error::failed;
use crate::{EVENTS_PER_SUBJECT, Result, rows, rules};

const APPEND: &str = "INSERT INTO events (subject, kind, reason, message, first, last, count) \
     VALUES (?, ?, ?, ?, ?, ?, ?) \
     ON CONFLICT (subject, kind, reason, message) DO UPDATE SET \
     first = min(first, excluded.first), last = max(last, excluded.last), \
     count = min(count + excluded.count, 4294967295)";

/// The reasons are those of [`model::EventReason::is_of_a_layer`]; a test compares.
const TRIM: &str = "DELETE FROM events WHERE subject = ?1 AND number NOT IN \
     (SELECT number FROM events WHERE subject = ?1 \
     ORDER BY reason IN ('LayerStarted', 'LayerCommitted', 'LayerReused'), last DESC, number DESC LIMIT ?2)";

const FORGET: &str = "DELETE FROM events WHERE last < ? AND subject IN (SELECT subject FROM departed)";

const FORGET_DEPARTED: &str =
    "DELETE FROM departed WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.subject = departed.subject)";

pub(super) async fn append(connection: &mut SqliteConnection, events: &[Event]) -> Result<()> {
    for event in events {
        sqlx::query(APPEND)
            .bind(event.subject.to_string())
            .bind(event.kind.as_str())
            .bind(event.reason.as_str())
            .bind(rules::kept(&event.message))
            .bind(event.first.as_micros())
            .bind(event.last.as_micros())
            .bind(i64::from(event.count))
            .execute(&mut *connection)
            .await
            .map_err(failed("append an event"))?;
    }
    let subjects: BTreeSet<Subject> = events.iter().map(|event| event.subject).collect();
    for subject in subjects {
        let trim = sqlx::query(TRIM).bind(subject.to_string()).bind(i64::from(EVENTS_PER_SUBJECT));
        trim.execute(&mut *connection).await.map_err(failed("drop the oldest events"))?;
    }
    Ok(())
}

pub(super) async fn of(connection: &mut SqliteConnection, subject: Subject) -> Result<Vec<Event>> {
    let rows = sqlx::query("SELECT * FROM events WHERE subject = ? ORDER BY last, number")
        .bind(subject.to_string())
        .fetch_all(connection)
        .await
        .map_err(failed("read the events"))?;
    rows.iter().map(|row| rows::event(row, subject)).collect()
}

pub(super) async fn forget(connection: &mut SqliteConnection, before: Timestamp) -> Result<u64> {
    let action = "forget old events";
    let done = sqlx::query(FORGET).bind(before.as_micros()).execute(&mut *connection).await;
    let forgotten = done.map_err(failed(action))?.rows_affected();
    sqlx::query(FORGET_DEPARTED).execute(connection).await.map_err(failed(action))?;
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
