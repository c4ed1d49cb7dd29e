//! As much HTTP/1.1 as a server needs that means to break it. Source: RFC 9112.

use std::io::{self, BufRead, Read};

/// A head longer than this is not read on: no client of ours sends one.
const HEAD_LIMIT: u64 = 64 * 1024;
/// Nor a body longer than this.
const BODY_LIMIT: u64 = 4 * 1024 * 1024;

/// A request as a server of this crate received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `HEAD`, ...
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// What follows the question mark, or empty.
    pub query: String,
    /// Names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    /// The body, as far as its length was given.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The asked range of bytes, first to last (inclusive), where there is one: `bytes=5-9`, `bytes=5-`.
    #[must_use]
    pub fn range(&self) -> Option<(u64, Option<u64>)> {
        let (first, last) = self.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
        let last = if last.is_empty() { None } else { Some(last.parse().ok()?) };
        Some((first.parse().ok()?, last))
    }

    /// The value of a query parameter, percent escapes resolved.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| unescape(value))
    }

    /// The next request of a connection; `None` at its end.
    pub(crate) fn read(stream: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut head = stream.by_ref().take(HEAD_LIMIT);
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a request line"));
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: read_headers(&mut head)?,
            body: Vec::new(),
        };
        let length = request.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        stream.by_ref().take(u64::min(length, BODY_LIMIT)).read_to_end(&mut request.body)?;
        Ok(Some(request))
    }
}

fn read_headers(head: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(headers);
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
}

fn unescape(text: &str) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let pair = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (byte, pair.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(value)) => {
                plain.push(value);
                rest = &tail[2..];
            }
            (b'+', _) => {
                plain.push(b' ');
                rest = tail;
            }
            _ => {
                plain.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Request {
        Request::read(&mut text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn reads_target_headers_and_range() {
        let request =
            parse("GET /v2/a/blobs/x?scope=repository%3Aa%3Apull&b=1 HTTP/1.1\r\nRange: bytes=5-9\r\n\r\n");
        assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/v2/a/blobs/x"));
        assert_eq!(request.range(), Some((5, Some(9))));
        assert_eq!(request.parameter("scope").as_deref(), Some("repository:a:pull"));
        assert_eq!(request.header("authorization"), None);
    }

    #[test]
    fn reads_a_body_and_stops_behind_it() {
        let mut stream = "POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nokGET /b HTTP/1.1\r\n\r\n".as_bytes();
        assert_eq!(Request::read(&mut stream).unwrap().unwrap().body, b"ok");
        assert_eq!(Request::read(&mut stream).unwrap().unwrap().path, "/b");
        assert_eq!(Request::read(&mut stream).unwrap(), None);
    }
}
