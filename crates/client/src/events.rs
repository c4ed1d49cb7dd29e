//! Server-sent events, as the HTML standard has them (9.2.6), read from bytes as they come.

use std::collections::VecDeque;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::Instant;

use crate::TransportError;
use crate::transport::ByteStream;

/// The longest event.
const LONGEST: usize = 8 << 20;
/// The server says that it lives every 15 s; after that long it does not.
const SILENCE: Duration = Duration::from_secs(60);

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its name.
    pub(crate) name: String,
    /// Its data.
    pub(crate) data: String,
    /// The last id that was said, with this event or before.
    pub(crate) id: Option<String>,
}

/// Reads lines out of bytes, and events out of lines.
#[derive(Debug, Default)]
struct Parser {
    /// Bytes of a line that has no end yet.
    line: Vec<u8>,
    /// Whether the last byte was a CR: a LF behind it belongs to the same end.
    after_cr: bool,
    event: Event,
    has_data: bool,
    ready: VecDeque<Event>,
}

impl Parser {
    /// Takes bytes; false where an event is longer than any.
    fn take(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            match byte {
                b'\n' if self.after_cr => self.after_cr = false,
                b'\n' | b'\r' => {
                    self.after_cr = *byte == b'\r';
                    let line = std::mem::take(&mut self.line);
                    self.end_line(&String::from_utf8_lossy(&line));
                }
                byte => {
                    self.after_cr = false;
                    self.line.push(*byte);
                }
            }
            if self.line.len() + self.event.data.len() > LONGEST {
                return false;
            }
        }
        true
    }

    fn end_line(&mut self, line: &str) {
        if line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                let id = self.event.id.clone();
                let event = std::mem::replace(&mut self.event, Event { id, ..Event::default() });
                self.ready.push_back(event);
            } else {
                self.event.name.clear();
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.event.id = Some(value.to_owned()),
            // Comments, which keep the connection alive, `retry`, and what comes later.
            _ => {}
        }
    }
}

/// The events of a stream.
pub(crate) struct Events {
    body: ByteStream,
    parser: Parser,
    began: Instant,
    last_sign: Instant,
}

impl Events {
    pub(crate) fn of(body: ByteStream) -> Self {
        let now = Instant::now();
        Self { body, parser: Parser::default(), began: now, last_sign: now }
    }

    /// How long the stream lived, to its last sign of life.
    pub(crate) fn lived(&self) -> Duration {
        self.last_sign - self.began
    }

    /// The next event; `None` where the stream ended.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, TransportError> {
        loop {
            if let Some(event) = self.parser.ready.pop_front() {
                return Ok(Some(event));
            }
            let chunk = tokio::time::timeout(SILENCE, self.body.next()).await;
            let chunk = chunk.map_err(|_| TransportError::because("the server gave no sign of life"))?;
            let Some(chunk) = chunk else { return Ok(None) };
            let chunk = chunk?;
            self.last_sign = Instant::now();
            if !self.parser.take(&chunk) {
                return Err(TransportError::because("an event is too long"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> Vec<Event> {
        let mut parser = Parser::default();
        assert!(chunks.iter().all(|chunk| parser.take(chunk)));
        parser.ready.into()
    }

    fn event(name: &str, data: &str, id: Option<&str>) -> Event {
        Event { name: name.to_owned(), data: data.to_owned(), id: id.map(ToOwned::to_owned) }
    }

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let text =
            ": hi\n\nevent: a\nid: 1\ndata: x\ndata:  y\n\nretry: 3\ndata\n\r\nevent: lost\r\rdata:z\r\n\r\n"
                .as_bytes();
        let expected = [event("a", "x\n y", Some("1")), event("", "", Some("1")), event("", "z", Some("1"))];
        assert_eq!(read(&[text]), expected);
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(read(&bytes), expected);
    }

    #[test]
    fn an_event_without_an_end_is_none() {
        assert_eq!(read(&[b"data: x\n"]), []);
    }

    #[test]
    fn a_line_without_an_end_is_given_up() {
        let mut parser = Parser::default();
        let chunk = vec![b'a'; 1 << 20];
        assert!(!(0..=8).all(|_| parser.take(&chunk)));
    }
}
