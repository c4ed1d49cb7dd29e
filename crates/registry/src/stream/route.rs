//! The way to one blob: which servers, and what is known of how they answer.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::{Digest, LayerDescriptor, RepositoryName};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_ENCODING, CONTENT_RANGE};
use tokio::time::{Instant, timeout};
use url::Url;

use super::body::Body;
use crate::hosts::Endpoint;
use crate::wire::{Answer, Ask, Wire, host_of};
use crate::{ErrorKind, Fault};

/// How long an address that a registry redirected to is asked directly. Signed addresses live longer than that.
const DIRECT_FOR: Duration = Duration::from_secs(60);

/// A server that has the blob: a registry, or (without endpoint) any web server.
pub(crate) struct Candidate {
    pub(crate) url: Url,
    pub(crate) endpoint: Option<Endpoint>,
}

impl Candidate {
    /// Its address, where it may be left out for a while after it could not be reached.
    fn may_rest(&self) -> Option<&Url> {
        self.endpoint.as_ref().map_or(Some(&self.url), Endpoint::may_rest)
    }
}

/// The way to one blob, shared by all requests for it.
pub(crate) struct BlobRoute {
    pub(crate) wire: Arc<Wire>,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    repository: RepositoryName,
    candidates: Vec<Candidate>,
    no_ranges: AtomicBool,
    /// Where the last redirect led, so that not every part asks the registry again.
    direct: Mutex<Option<(Url, Instant)>>,
}

impl fmt::Debug for BlobRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobRoute").field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// An answer whose body can be read.
pub(crate) struct Opened {
    pub(crate) body: Body,
    /// Position in the blob of the body's first byte.
    pub(crate) from: u64,
    /// Position after the body's last byte.
    pub(crate) end: u64,
    /// How long the servers took until it began.
    pub(crate) took: Duration,
}

/// What an answer to a request with a range turned out to be.
enum Judged {
    Opened(Box<Opened>),
    /// Ranges are not served properly; ask for the whole.
    NoRanges,
}

/// `bytes FIRST-LAST/TOTAL` of RFC 9110, section 14.4: first, one after last, total where it is told.
fn content_range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.trim().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let total = match total.trim() {
        "*" => None,
        digits => Some(digits.parse().ok()?),
    };
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let after = last.checked_add(1)?;
    (first <= last).then_some((first, after, total))
}

impl BlobRoute {
    pub(crate) fn new(
        wire: Arc<Wire>,
        repository: RepositoryName,
        layer: &LayerDescriptor,
        candidates: Vec<Candidate>,
    ) -> Self {
        Self {
            wire,
            digest: *layer.digest.digest(),
            size: layer.size.as_u64(),
            repository,
            candidates,
            no_ranges: AtomicBool::new(false),
            direct: Mutex::new(None),
        }
    }

    /// Whether a server turned out not to serve ranges properly.
    pub(crate) fn no_ranges(&self) -> bool {
        self.no_ranges.load(Ordering::Relaxed)
    }

    pub(crate) fn wrong_length(&self, origin: &str, found: u64) -> Fault {
        Fault::WrongLength { origin: origin.to_owned(), digest: self.digest, expected: self.size, found }
    }

    /// Asks the servers in their order for the bytes from `from` to before `end`. What is opened may begin earlier and end
    /// later, where ranges are not served.
    pub(crate) async fn open(&self, from: u64, end: u64) -> Result<Box<Opened>, Fault> {
        let direct = self.direct.lock().expect("no panic while it is locked").clone();
        if let Some((url, until)) = direct
            && until > Instant::now()
        {
            match Box::pin(self.open_at(&url, None, from, end)).await {
                Ok(opened) => return Ok(opened),
                // Whatever it is, the registry may know a better address.
                Err(_) => *self.direct.lock().expect("no panic while it is locked") = None,
            }
        }
        let mut fault = Fault::NotFound {
            host: self.repository.to_string(),
            what: format!("{} at any server that may be asked", self.digest),
        };
        let (awake, resting) = self.wire.awake(&self.candidates, |candidate| candidate.may_rest());
        for candidate in awake {
            match self.open_from(candidate, from, end).await {
                Ok(opened) => return Ok(opened),
                Err(at_server) => {
                    // A web server that does not have it says nothing for a registry that has failed for now.
                    let foreign = candidate.endpoint.is_none() && at_server.kind() == ErrorKind::NotFound;
                    if !foreign || !fault.is_passing() {
                        fault = at_server;
                    }
                }
            }
        }
        // As for documents: whoever rests may be all that is left.
        if fault.is_passing() {
            for candidate in resting {
                if let Ok(opened) = self.open_from(candidate, from, end).await {
                    return Ok(opened);
                }
            }
        }
        Err(fault)
    }

    /// Asks one server, and remembers how that went.
    async fn open_from(&self, candidate: &Candidate, from: u64, end: u64) -> Result<Box<Opened>, Fault> {
        let opened = Box::pin(self.open_at(&candidate.url, candidate.endpoint.as_ref(), from, end)).await;
        match &opened {
            Ok(_) => self.wire.reached(&candidate.url),
            Err(fault) => {
                tracing::debug!(server = %host_of(&candidate.url), %fault, "no blob there");
                self.wire.note(&candidate.url, fault);
            }
        }
        opened
    }

    async fn open_at(
        &self,
        url: &Url,
        endpoint: Option<&Endpoint>,
        from: u64,
        end: u64,
    ) -> Result<Box<Opened>, Fault> {
        let ranged = (from > 0 || end < self.size) && !self.no_ranges();
        if ranged && let Judged::Opened(opened) = self.ask(url, endpoint, Some((from, end))).await? {
            return Ok(opened);
        }
        match self.ask(url, endpoint, None).await? {
            Judged::Opened(opened) => Ok(opened),
            Judged::NoRanges => Err(Fault::Malformed {
                origin: host_of(url),
                what: "answer",
                why: "it is a part, where the whole was asked for".to_owned(),
            }),
        }
    }

    async fn ask(
        &self,
        url: &Url,
        endpoint: Option<&Endpoint>,
        range: Option<(u64, u64)>,
    ) -> Result<Judged, Fault> {
        let place = self.wire.place(url, true).await;
        let ask = Ask { url: url.clone(), repository: Some(&self.repository), accept: None, range };
        let start = Instant::now();
        let (answer, last) = self.answer(endpoint, &ask).await?;
        let fine = matches!(answer.status(), StatusCode::OK | StatusCode::PARTIAL_CONTENT);
        if fine && !answer.at_origin {
            let until = Instant::now() + DIRECT_FOR;
            *self.direct.lock().expect("no panic while it is locked") = Some((last, until));
        }
        let (from, end) = match answer.status() {
            StatusCode::OK => (0, self.size),
            StatusCode::PARTIAL_CONTENT => match self.judge_part(&answer, range)? {
                Some(stretch) => stretch,
                None => return Ok(self.refuse_ranges(&answer)),
            },
            StatusCode::RANGE_NOT_SATISFIABLE if range.is_some() => {
                let text = answer.header(CONTENT_RANGE).unwrap_or_default();
                let total = text.trim().strip_prefix("bytes */").and_then(|text| text.trim().parse().ok());
                return match total {
                    Some(total) if total != self.size => Err(self.wrong_length(&answer.host, total)),
                    _ => Ok(self.refuse_ranges(&answer)),
                };
            }
            _ => {
                // Which one, whoever asked for it says.
                let what = format!("this layer of {}", self.repository);
                return Err(answer.into_fault(&what, &self.wire.settings.timeouts).await);
            }
        };
        self.judge_body(&answer)?;
        match answer.response.content_length() {
            Some(length) if length != end - from && range.is_some() && from + end != self.size => {
                return Ok(self.refuse_ranges(&answer));
            }
            Some(length) if length != end - from => {
                return Err(self.wrong_length(&answer.host, from.saturating_add(length)));
            }
            _ => {}
        }
        if range.is_some() && answer.status() == StatusCode::OK {
            self.give_up_ranges();
        }
        let body = Body::new(answer, place, &self.wire.settings.timeouts);
        Ok(Judged::Opened(Box::new(Opened { body, from, end, took: start.elapsed() })))
    }

    /// The head of the answer. Under a deadline for all of its way, since redirects and a token service lie on it.
    async fn answer(&self, endpoint: Option<&Endpoint>, ask: &Ask<'_>) -> Result<(Answer, Url), Fault> {
        let deadline = self.wire.settings.timeouts.document;
        let asked = async {
            match endpoint {
                Some(endpoint) => self.wire.ask(endpoint, ask).await,
                None => self.wire.ask_openly(ask).await,
            }
        };
        timeout(deadline, asked)
            .await
            .unwrap_or_else(|_| Err(Fault::Hang { host: host_of(&ask.url), after: deadline }))
    }

    /// From now on the whole is asked for.
    pub(crate) fn give_up_ranges(&self) {
        self.no_ranges.store(true, Ordering::Relaxed);
    }

    fn refuse_ranges(&self, answer: &Answer) -> Judged {
        tracing::debug!(server = %answer.host, digest = %self.digest, "ranges are not served properly");
        self.give_up_ranges();
        Judged::NoRanges
    }

    /// The stretch that a 206 has; `None` where it is not the one asked for.
    fn judge_part(&self, answer: &Answer, range: Option<(u64, u64)>) -> Result<Option<(u64, u64)>, Fault> {
        let Some((from, end)) = range else { return Ok(None) };
        match answer.header(CONTENT_RANGE).and_then(content_range) {
            Some((_, _, Some(total))) if total != self.size => Err(self.wrong_length(&answer.host, total)),
            Some((first, after, _)) if first == from && after <= end => Ok(Some((first, after))),
            _ => Ok(None),
        }
    }

    /// Refuses bodies that cannot be the blob's bytes.
    fn judge_body(&self, answer: &Answer) -> Result<(), Fault> {
        let encoded =
            answer.header(CONTENT_ENCODING).is_some_and(|text| !text.eq_ignore_ascii_case("identity"));
        let why = match (answer.is_html(), encoded) {
            (true, _) => "it is a web page",
            (_, true) => "it is encoded once more, though that was not asked for",
            _ => return Ok(()),
        };
        Err(Fault::Malformed { origin: answer.host.clone(), what: "layer", why: why.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::content_range;

    #[test]
    fn content_ranges() {
        assert_eq!(content_range("bytes 0-9/100"), Some((0, 10, Some(100))));
        assert_eq!(content_range(" bytes 5-5/* "), Some((5, 6, None)));
        for text in [
            "",
            "bytes",
            "bytes 9-0/10",
            "bytes */10",
            "bytes a-b/c",
            "items 0-1/2",
            "bytes 0-18446744073709551615/*",
        ] {
            assert_eq!(content_range(text), None, "{text}");
        }
    }
}
