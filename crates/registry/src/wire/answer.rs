//! An answer's head, judged; and small bodies, bounded.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use tokio::time::timeout;

use super::fault_of;
use super::retry_after::retry_after;
use crate::{Fault, Timeouts};

/// Longest error document that is looked into.
const ERROR_LIMIT: usize = 16 << 10;
/// Longest wait for one, however it trickles.
const ERROR_WAIT: Duration = Duration::from_secs(5);
/// Longest text of a server that gets into our message.
const SAID_LIMIT: usize = 200;

/// What the TLS servers of Go, nginx and Apache say to plain HTTP, before any registry gets to speak.
const WANTS_TLS: [&str; 3] = [
    "to an HTTPS serv",
    "plain HTTP request was sent to HTTPS",
    "speaking plain HTTP to an SSL-enabled server",
];

/// What a server answered, after redirects.
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// `host[:port]` that answered, for messages.
    pub(crate) host: String,
    /// Whether the server that answered is the one first asked.
    pub(crate) at_origin: bool,
    /// Whether that server is one to log in to: neither where a redirect leads nor a foreign layer's.
    pub(crate) of_registry: bool,
}

#[derive(serde::Deserialize)]
struct ErrorDocument {
    errors: Vec<ErrorEntry>,
}

#[derive(serde::Deserialize)]
struct ErrorEntry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// The registry's own words out of an error document, printable and short.
fn said(body: &[u8]) -> String {
    let Ok(document) = serde_json::from_slice::<ErrorDocument>(body) else { return String::new() };
    let words: Vec<String> = document.errors.iter().map(|e| format!("{}: {}", e.code, e.message)).collect();
    words.join("; ").chars().filter(|c| !c.is_control()).take(SAID_LIMIT).collect()
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn header(&self, name: impl reqwest::header::AsHeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// Whether the body says that it is a web page.
    pub(crate) fn is_html(&self) -> bool {
        self.header(CONTENT_TYPE).is_some_and(|text| text.trim_start().starts_with("text/html"))
    }

    /// The fault that this answer is, which is none of the wanted statuses. `what` names the thing asked for.
    pub(crate) async fn into_fault(self, what: &str, timeouts: &Timeouts) -> Fault {
        let status = self.status();
        let host = self.host.clone();
        let retry_after = retry_after(self.response.headers());
        match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Fault::NotFound { host, what: what.to_owned() },
            // A registry's own 401 is answered with credentials before anybody sees it.
            StatusCode::UNAUTHORIZED => Fault::ElsewhereUnauthorized { host },
            StatusCode::FORBIDDEN if !self.of_registry => Fault::ElsewhereForbidden { host },
            StatusCode::FORBIDDEN => Fault::Forbidden { host, what: what.to_owned() },
            StatusCode::TOO_MANY_REQUESTS => Fault::RateLimited { host, retry_after },
            StatusCode::REQUEST_TIMEOUT => Fault::ServerError { host, status: status.as_u16(), retry_after },
            _ if status.is_server_error() => {
                Fault::ServerError { host, status: status.as_u16(), retry_after }
            }
            _ => {
                let body = self.body(ERROR_LIMIT, "error document", timeouts.idle);
                let body = timeout(timeouts.document.min(ERROR_WAIT), body).await;
                let body = body.unwrap_or_else(|_| Ok(Bytes::new())).unwrap_or_default();
                if WANTS_TLS
                    .iter()
                    .any(|words| body.windows(words.len()).any(|text| text == words.as_bytes()))
                {
                    return Fault::TlsExpected { host };
                }
                Fault::Refused { host, status: status.as_u16(), said_text: said(&body) }
            }
        }
    }

    /// The whole body of a small document.
    pub(crate) async fn body(
        mut self,
        limit: usize,
        what: &'static str,
        idle: Duration,
    ) -> Result<Bytes, Fault> {
        let too_large = |host: &str| Fault::TooLarge { origin: host.to_owned(), what, limit: limit as u64 };
        if self.response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_large(&self.host));
        }
        let mut body = BytesMut::new();
        loop {
            let chunk = timeout(idle, self.response.chunk())
                .await
                .map_err(|_| Fault::Hang { host: self.host.clone(), after: idle })?
                .map_err(|error| fault_of(error, &self.host, body.len() as u64))?;
            let Some(chunk) = chunk else { return Ok(body.freeze()) };
            if body.len() + chunk.len() > limit {
                return Err(too_large(&self.host));
            }
            body.extend_from_slice(&chunk);
        }
    }
}
