//! Which records are written.

use http::Method;
use wire::Change;

use super::resume::Resumed;
use super::{document, problem};
use crate::call::Call;
use crate::events::Event;
use crate::{Client, Error, Result};

const WATCH: &str = "watch the changes";

/// What a stream of changes tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The stream begins behind this number.
    Ready(u64),
    /// A record was written; the change's number.
    Record(u64, Change),
    /// What was missed can no longer be told: read everything anew; the stream goes on behind this number.
    Reset(u64),
}

/// Which records are written, without an end. It goes on where it broke off.
pub struct ChangeWatch {
    stream: Resumed,
}

impl ChangeWatch {
    pub(crate) fn new(client: Client, after: Option<u64>) -> Self {
        let call = || Ok(Call::new(WATCH, Method::GET, "/v1/changes"));
        let last_id = after.map(|number| number.to_string());
        Self { stream: Resumed::new(client, WATCH, last_id, call) }
    }

    /// The next one. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Those of every operation; [`Error::BrokenOff`] where the stream could not be taken up again.
    pub async fn next(&mut self) -> Result<Changed> {
        loop {
            let event = self.stream.next().await?;
            match event.name.as_str() {
                "ready" => return number(&event).map(Changed::Ready),
                "reset" => return number(&event).map(Changed::Reset),
                "change" => {
                    let change = document(WATCH, &event)?;
                    return Ok(Changed::Record(number(&event)?, change));
                }
                "problem" => return Err(problem(WATCH, &event)),
                // Of a later version.
                _ => {}
            }
        }
    }
}

fn number(event: &Event) -> Result<u64> {
    let number = event.id.as_ref().and_then(|id| id.parse().ok());
    number.ok_or(Error::Answer { operation: WATCH, status: 200, source: None })
}
