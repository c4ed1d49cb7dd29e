//! Streams of server-sent events: bounded in number, pulled by the reader, ended with the server.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::{Stream, StreamExt as _};
use http::HeaderMap;
use serde::Serialize;
use wire::{LAST_EVENT_ID_HEADER, Problem, ProblemKind};

use crate::edge::Edge;
use crate::refusal::Refusal;
use crate::service::ServiceError;

/// How long a stream that can be resumed lasts: whoever resumes it shows a valid token again.
pub(crate) const LONGEST: Duration = Duration::from_secs(3600);

/// Answers with that stream. Nothing is read ahead: the next event is made when the reader has taken the one before.
pub(crate) fn respond(
    edge: &Edge,
    events: impl Stream<Item = Event> + Send + 'static,
) -> Result<Response, Refusal> {
    let Ok(permit) = edge.streams().clone().try_acquire_owned() else {
        let refusal = Refusal::new(ProblemKind::Busy);
        return Err(refusal.detail("failed to open a stream: there are as many as are allowed"));
    };
    let counted = edge.metrics().http.stream();
    let events = events.take_until(edge.stopping().clone().cancelled_owned()).map(move |event| {
        // They live as long as the stream.
        let _ = (&permit, &counted);
        Ok::<_, Infallible>(event)
    });
    let keep_alive = KeepAlive::new().interval(edge.limits().keep_alive);
    let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
    // Proxies that gather answers would hold the events back.
    response.headers_mut().insert("x-accel-buffering", http::HeaderValue::from_static("no"));
    Ok(response)
}

/// An event with a document.
pub(crate) fn event<T: Serialize>(name: &str, document: &T) -> Event {
    Event::default().event(name).json_data(document).expect("our documents have no key that is no text")
}

/// An event without a document.
pub(crate) fn bare(name: &str) -> Event {
    Event::default().event(name).data("{}")
}

/// The last event of a stream that failed; the owner of the data is told what failed inside.
pub(crate) fn failed(error: ServiceError, to_owner: bool) -> Event {
    let problem: Problem = Refusal::from(error).told(to_owner);
    event("problem", &problem)
}

/// The id of the last event that the reader has, where it says one.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let Some(value) = headers.get(LAST_EVENT_ID_HEADER) else { return Ok(None) };
    value.to_str().map(Some).map_err(|_| wrong_id())
}

pub(crate) fn wrong_id() -> Refusal {
    Refusal::new(ProblemKind::InvalidHeader)
        .detail("failed to take the id of the last event: this stream never had it")
        .field(LAST_EVENT_ID_HEADER)
        .allowed(["the id of an event of this stream"])
}
