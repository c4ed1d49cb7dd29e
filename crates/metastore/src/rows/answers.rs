use super::Columns;
use crate::rules::RememberedAnswer;
use crate::{ProcessIdentity, Result};

pub(crate) fn answer(row: &impl Columns) -> Result<RememberedAnswer> {
    let answer = row.bytes("answer")?;
    Ok(RememberedAnswer {
        fingerprint: row.digest("fingerprint")?,
        kept_until: row.time("kept_until")?,
        subject: row.bytes("subject")?,
        owner: ProcessIdentity {
            pid: row.unsigned("owner_pid")?,
            start_ticks: row.unsigned("owner_start")?,
            boot_id: row.text("owner_boot")?.to_owned(),
        },
        turn: row.unsigned("turn")?,
        beat: row.time("beat")?,
        answer: row.flag("answered")?.then_some(answer),
    })
}
