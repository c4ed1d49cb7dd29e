use model::{Event, EventKind, Subject};

use super::{Columns, subject};
use crate::{Change, ChangeKind, ChangeNumber, Result};

pub(crate) fn event(row: &impl Columns, subject: Subject) -> Result<Event> {
    Ok(Event {
        subject,
        kind: row.one_of("kind", &[EventKind::Normal, EventKind::Warning], EventKind::as_str)?,
        reason: row.parsed("reason")?,
        message: row.text("message")?.to_owned(),
        first: row.time("first")?,
        last: row.time("last")?,
        count: row.unsigned("count")?,
    })
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
