//! Streams that are taken up again where they broke off.

use std::time::Duration;

use http::HeaderName;

use crate::call::Call;
use crate::events::{Event, Events};
use crate::{Client, Error, Result, TransportError};

/// How often in a row a stream is taken up again without an event.
const MOST_TRIES: u32 = 6;
/// The pause before the second try; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// A stream that is taken up again behind the last event that came.
pub(super) struct Resumed {
    client: Client,
    operation: &'static str,
    call: Box<dyn Fn() -> Result<Call> + Send + Sync>,
    events: Option<Events>,
    last_id: Option<String>,
    /// Whether there was ever a connection: where there was none, there is nothing to take up.
    has_begun: bool,
    tries: u32,
}

impl Resumed {
    pub(super) fn new(
        client: Client,
        operation: &'static str,
        last_id: Option<String>,
        call: impl Fn() -> Result<Call> + Send + Sync + 'static,
    ) -> Self {
        let call = Box::new(call);
        Self { client, operation, call, events: None, last_id, has_begun: false, tries: 0 }
    }

    /// The next event, of whichever connection.
    pub(super) async fn next(&mut self) -> Result<Event> {
        loop {
            let broken = match self.step().await {
                Ok(Some(event)) => {
                    self.tries = 0;
                    self.last_id.clone_from(&event.id);
                    return Ok(event);
                }
                // The server ends streams now and then, so that tokens are looked at again.
                Ok(None) => None,
                Err(error) if !self.has_begun => return Err(error),
                Err(Error::Unreachable { source, .. } | Error::BrokenOff { source: Some(source), .. }) => {
                    Some(source)
                }
                Err(error) if error.problem_kind() == Some(wire::ProblemKind::Busy) => None,
                Err(error) => return Err(error),
            };
            self.events = None;
            self.pause(broken).await?;
        }
    }

    async fn step(&mut self) -> Result<Option<Event>> {
        let operation = self.operation;
        if self.events.is_none() {
            let mut call = (self.call)()?;
            if let Some(id) = &self.last_id {
                call = call.header(HeaderName::from_static("last-event-id"), id);
            }
            self.events = Some(Events::of(call.stream(&self.client).await?));
            self.has_begun = true;
        }
        let Some(events) = &mut self.events else { return Ok(None) };
        events.next().await.map_err(|source| Error::BrokenOff { operation, source: Some(source) })
    }

    async fn pause(&mut self, broken: Option<TransportError>) -> Result<()> {
        self.tries += 1;
        if self.tries >= MOST_TRIES {
            return Err(Error::BrokenOff { operation: self.operation, source: broken });
        }
        if self.tries > 1 || broken.is_some() {
            tokio::time::sleep(FIRST_PAUSE * 2u32.pow(self.tries - 1)).await;
        }
        Ok(())
    }
}
