//! What happens around every handler: its id, its time, its end in the log and in the numbers, and problems written out.

mod request_id;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method};
use tokio::time::Instant;
use tracing::Instrument as _;
use wire::{Problem, ProblemKind};

use crate::edge::Edge;
use crate::peer::Peer;
use crate::refusal::{Refusal, kind_of_status, write_out};
use request_id::RequestId;

/// Routes that may take as long as a registry or a disk takes; their bodies are bounded in time all the same.
const LONG: &[(&str, Method)] = &[
    ("/v1/instances", Method::POST),
    ("/v1/instances/{instance}", Method::DELETE),
    ("/v1/instances/{instance}/stop", Method::POST),
    ("/v1/predictions", Method::POST),
    ("/v1/matches", Method::POST),
    ("/v1/collections", Method::POST),
];
/// The longest that these may take.
const LONG_TIMEOUT: Duration = Duration::from_secs(4000);
/// What a path that none matches is called in the numbers.
const UNMATCHED: &str = "unmatched";

/// Marks an answer that is no success and no problem either.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deliberate;

/// Around every request.
pub(crate) async fn around(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = RequestId::of(request.headers());
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let label = matched.as_deref().unwrap_or(UNMATCHED).to_owned();
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", request.id = %id, account = tracing::field::Empty);
    edge.join_trace(&span, request.headers());
    let by_owner = is_owner(&edge, &request);
    let in_flight = edge.metrics().http.begin();
    let response = guarded(&edge, &label, request, next).instrument(span.clone()).await;
    drop(in_flight);
    let mut response = with_problem(response, &id, &label, by_owner);
    response.headers_mut().insert(RequestId::HEADER, id.to_header());
    let status = response.status().as_u16();
    let took = began.elapsed();
    edge.metrics().http.ended(&method, &label, status, took);
    span.in_scope(|| {
        let milliseconds = took.as_secs_f64() * 1000.0;
        tracing::info!(
            http.method = %method, http.path = path, http.route = label, http.status = status,
            http.milliseconds = milliseconds,
            "{method} {path}: {status} after {milliseconds:.1} ms"
        );
    });
    response
}

/// Whether whoever owns the data asks, by who he is and not by a token.
fn is_owner(edge: &Edge, request: &Request) -> bool {
    let peer = request.extensions().get::<Peer>();
    peer.is_some_and(|peer| peer.is_owner(edge.own_uid())) && !request.headers().contains_key(AUTHORIZATION)
}

/// Bounded in time, and with its panics caught.
async fn guarded(edge: &Edge, label: &str, request: Request, next: Next) -> Response {
    let is_long = LONG.iter().any(|(path, method)| *path == label && method == request.method());
    // What is at `/` sees to its time itself, to say it in its own words.
    let is_long = is_long || label == crate::clouds::ROUTE;
    let limit = if is_long { LONG_TIMEOUT } else { edge.limits().request_timeout };
    let answered = AssertUnwindSafe(tokio::time::timeout(limit, next.run(request))).catch_unwind().await;
    match answered {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Refusal::new(ProblemKind::Timeout)
            .detail(format!("failed to answer within {} s", limit.as_secs()))
            .into_response(),
        Err(_) => {
            edge.metrics().http.panicked();
            tracing::error!("a handler panicked; the standard error has where");
            Refusal::new(ProblemKind::Internal)
                .detail("failed here; the server's log has more under the request's id")
                .into_response()
        }
    }
}

/// Every answer that is no success is a problem with the request's id, the framework's own included.
fn with_problem(mut response: Response, id: &RequestId, route: &str, by_owner: bool) -> Response {
    let refusal = response.extensions_mut().remove::<Refusal>();
    if response.extensions_mut().remove::<Deliberate>().is_some() {
        return response;
    }
    let status = response.status();
    let mut problem = match refusal {
        Some(refusal) => refusal.told(by_owner),
        None if status.is_client_error() || status.is_server_error() => Problem::of(kind_of_status(status)),
        None => return response,
    };
    problem.request_id = Some(id.to_string());
    let kind = problem.known_kind();
    if kind == Some(ProblemKind::MethodNotAllowed) {
        problem.field = Some("method".to_owned());
        problem.allowed = crate::openapi::methods(route).map(ToOwned::to_owned).collect();
    }
    let mut response = write_out(response, &problem);
    match kind {
        Some(ProblemKind::Unauthorized) => {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"imc\""));
        }
        Some(ProblemKind::Busy | ProblemKind::RecordsUnavailable) => {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}
