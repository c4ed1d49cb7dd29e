use model::{CacheId, Event, EventKind, Subject, Timestamp};

use super::columns::{one_of, unknown};
use super::{Columns, parse, subject};
use crate::{Change, ChangeKind, ChangeNumber, Result};

const KINDS: [EventKind; 2] = [EventKind::Normal, EventKind::Warning];

/// An event in a list: kind, reason, message, first and last time, count.
type Listed<'a> = (&'a str, &'a str, String, i64, i64, u32);

pub(crate) fn event(row: &impl Columns, subject: Subject) -> Result<Event> {
    Ok(Event {
        subject,
        kind: row.one_of("kind", &KINDS, EventKind::as_str)?,
        reason: row.parsed("reason")?,
        message: row.text("message")?.to_owned(),
        first: row.time("first")?,
        last: row.time("last")?,
        count: row.unsigned("count")?,
    })
}

/// A cache and its events, which are in one column as a list of lists.
pub(crate) fn events_of_cache(row: &impl Columns) -> Result<(CacheId, Vec<Event>)> {
    let cache = row.parsed("subject")?;
    let text = row.text("events")?;
    let listed: Vec<Listed<'_>> = serde_json::from_str(text).map_err(|_| unknown("events", text))?;
    let event = |(kind, reason, message, first, last, count): Listed<'_>| {
        Ok(Event {
            subject: Subject::Cache(cache),
            kind: one_of("kind", kind, &KINDS, EventKind::as_str)?,
            reason: parse("reason", reason)?,
            message,
            first: Timestamp::from_micros(first),
            last: Timestamp::from_micros(last),
            count,
        })
    };
    Ok((cache, listed.into_iter().map(event).collect::<Result<_>>()?))
}

pub(crate) fn change(row: &impl Columns) -> Result<Change> {
    Ok(Change {
        number: ChangeNumber(row.unsigned("number")?),
        subject: subject("subject", row.text("subject")?)?,
        account: row.parsed("account")?,
        kind: row.one_of("kind", &[ChangeKind::Put, ChangeKind::Gone], ChangeKind::as_str)?,
        at: row.time("at")?,
    })
}
