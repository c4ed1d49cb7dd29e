//! Streams that are taken up again where they broke off.

use std::time::Duration;

use http::HeaderName;

use crate::call::Call;
use crate::events::{Event, Events};
use crate::{Client, Error, Result, TransportError};

/// How often in a row a stream is taken up again without an event, and without having lived.
const MOST_TRIES: u32 = 6;
/// A stream that lived so long was none that failed: where nothing happens, servers end streams without an event.
const LIVED: Duration = Duration::from_secs(60);
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
                    if event.id.is_some() {
                        self.last_id.clone_from(&event.id);
                    }
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
            if self.events.take().is_some_and(|events| events.lived() >= LIVED) {
                self.tries = 0;
            }
            self.pause(broken).await?;
        }
    }

    async fn step(&mut self) -> Result<Option<Event>> {
        let operation = self.operation;
        if self.events.is_none() {
            let mut call = (self.call)()?;
            if let Some(id) = &self.last_id {
                call = call.header(HeaderName::from_static(wire::LAST_EVENT_ID_HEADER), id);
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use bytes::Bytes;
    use futures::{StreamExt as _, stream};
    use http::{Request, Response};

    use super::*;
    use crate::{ByteStream, Changed, Transport};

    /// What comes over a connection, each piece after that pause; then it ends.
    type Connection = Vec<(Duration, &'static str)>;

    const NOW: Duration = Duration::ZERO;
    const READY: (Duration, &str) = (NOW, "event: ready\nid: 7\ndata: {}\n\n");
    const RESET: (Duration, &str) = (NOW, "event: reset\nid: 8\ndata: {}\n\n");

    #[derive(Clone, Default)]
    struct Script {
        connections: Arc<Mutex<VecDeque<Connection>>>,
        /// The ids that the connections were to begin behind.
        asked: Arc<Mutex<Vec<Option<String>>>>,
    }

    impl Script {
        fn of(connections: impl IntoIterator<Item = Connection>) -> Self {
            let connections = Arc::new(Mutex::new(connections.into_iter().collect()));
            Self { connections, ..Self::default() }
        }
    }

    #[async_trait]
    impl Transport for Script {
        async fn send(&self, request: Request<Bytes>) -> Result<Response<ByteStream>, TransportError> {
            let id = request.headers().get("last-event-id");
            self.asked.lock().unwrap().push(id.map(|id| id.to_str().unwrap().to_owned()));
            let pieces = self.connections.lock().unwrap().pop_front();
            let pieces = pieces.ok_or_else(|| TransportError::because("there are no more"))?;
            let body = stream::iter(pieces).then(|(pause, text)| async move {
                tokio::time::sleep(pause).await;
                Ok(Bytes::from_static(text.as_bytes()))
            });
            Ok(Response::new(body.boxed()))
        }

        fn server(&self) -> &'static str {
            "a script"
        }
    }

    /// Nothing happens for an hour.
    fn idle() -> Connection {
        vec![(Duration::from_secs(15), ":\n\n"); 240]
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_lives_however_long_nothing_happens() {
        let mut connections = vec![[vec![READY], idle()].concat()];
        connections.extend(vec![idle(); 9]);
        // Of a later version, and without an id.
        connections.push(vec![(NOW, "event: other\ndata: {}\n\n")]);
        connections.push(vec![RESET]);
        let script = Script::of(connections);
        let mut watch = Client::new(script.clone()).watch_changes(None);
        assert_eq!(watch.next().await.unwrap(), Changed::Ready(7));
        assert_eq!(watch.next().await.unwrap(), Changed::Reset(8));
        let mut asked = vec![Some("7".to_owned()); 12];
        asked[0] = None;
        assert_eq!(*script.asked.lock().unwrap(), asked);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_always_ends_at_once_or_never_says_anything_is_given_up() {
        let silent = vec![(Duration::from_secs(3600), ":\n\n")];
        for lost in [Vec::new(), silent] {
            let mut connections = vec![vec![READY]];
            connections.extend(vec![lost; 100]);
            let script = Script::of(connections);
            let mut watch = Client::new(script.clone()).watch_changes(None);
            assert_eq!(watch.next().await.unwrap(), Changed::Ready(7));
            assert!(matches!(watch.next().await, Err(Error::BrokenOff { .. })));
            assert_eq!(script.asked.lock().unwrap().len(), MOST_TRIES as usize);
        }
    }
}
