//! Logs, and the output of commands. These are not taken up again: what was missed is not told twice.

use wire::{ExecEvent, LogLine};

use super::{document, problem};
use crate::events::{Event, Events};
use crate::transport::ByteStream;
use crate::{Error, Result};

const LOGS: &str = "read the instance's log";
const EXEC: &str = "run the command";

/// The lines of a log.
pub struct LogFeed(Events);

impl LogFeed {
    pub(crate) fn new(body: ByteStream) -> Self {
        Self(Events::of(body))
    }

    /// The next line; `None` behind the last.
    ///
    /// # Errors
    /// [`Error::Refused`] where the log could not be read further; [`Error::BrokenOff`].
    pub async fn next(&mut self) -> Result<Option<LogLine>> {
        while let Some(event) = next(&mut self.0, LOGS).await? {
            match event.name.as_str() {
                "line" => return document(LOGS, &event).map(Some),
                "end" => return Ok(None),
                "problem" => return Err(problem(LOGS, &event)),
                _ => {}
            }
        }
        Err(Error::BrokenOff { operation: LOGS, source: None })
    }
}

/// What a command writes, and how it ends.
pub struct ExecFeed(Events);

impl ExecFeed {
    pub(crate) fn new(body: ByteStream) -> Self {
        Self(Events::of(body))
    }

    /// The next one. Nothing comes behind [`ExecEvent::Ended`].
    ///
    /// # Errors
    /// [`Error::Refused`] where the command could not be run; [`Error::BrokenOff`].
    pub async fn next(&mut self) -> Result<ExecEvent> {
        while let Some(event) = next(&mut self.0, EXEC).await? {
            match event.name.as_str() {
                "output" => return document(EXEC, &event).map(ExecEvent::Output),
                "ended" => return document(EXEC, &event).map(ExecEvent::Ended),
                "problem" => return Err(problem(EXEC, &event)),
                _ => {}
            }
        }
        Err(Error::BrokenOff { operation: EXEC, source: None })
    }
}

async fn next(events: &mut Events, operation: &'static str) -> Result<Option<Event>> {
    events.next().await.map_err(|source| Error::BrokenOff { operation, source: Some(source) })
}
