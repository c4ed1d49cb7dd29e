//! The APIs of the two clouds, at `/`: told apart, and each one's words put into the port's and back.
//!
//! ```text
//! serve ──> Alibaba or Tencent ──> key, signature, replay, rate ──> operation ──> permission ──> Service
//! ```
//!
//! The wire is the crate `clouds`; what is decided, is decided behind the port. Whatever happens here is answered in that cloud's
//! words: bodies that are too long, requests that come or are answered too slowly, and panics among it.

mod advice;
mod alibaba;
mod keys;
mod listing;
mod rates;
mod recorded;
mod seen;
mod settings;
mod tencent;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use clouds::CloudRequest;
use futures::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use wire::ProblemKind;

pub use settings::{AcrInstance, CloudSettings, DialectSettings};

use crate::edge::Edge;
use crate::layers::Deliberate;
use crate::refusal::Refusal;

/// Where they are.
pub(crate) const ROUTE: &str = "/";
/// SDKs of both clouds stop listening after ten seconds.
const PATIENCE: Duration = Duration::from_secs(9);

/// What the calls share.
#[derive(Default)]
pub(crate) struct CloudState {
    seen: seen::SeenCalls,
    rates: rates::Rates,
}

/// Why a request was not answered as its operation would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The body is longer than that many bytes.
    TooLong(usize),
    /// It broke off.
    BrokenOff,
    /// It came too slowly, or took too long.
    TooSlow,
    /// The server's fault.
    Panicked,
}

/// An answer on its way out.
struct Printed {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Printed {
    fn into_response(self) -> Response {
        let mut response = Response::new(axum::body::Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response.extensions_mut().insert(Deliberate);
        response
    }
}

/// Every request to `/`, whatever its method.
pub(crate) async fn serve(State(edge): State<Edge>, request: Request) -> Response {
    if !edge.clouds().enabled {
        return Refusal::new(ProblemKind::NoSuchPath).into_response();
    }
    let (parts, body) = request.into_parts();
    let headers = headers(&parts.headers);
    let asked = CloudRequest {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &headers,
        body: &[],
    };
    let limit = edge.limits().request_timeout.min(PATIENCE);
    let answered = async {
        let body = read(body, edge.limits().max_body_bytes).await?;
        Ok(speak(&edge, CloudRequest { body: &body, ..asked }).await)
    };
    let answered = AssertUnwindSafe(tokio::time::timeout(limit, answered)).catch_unwind().await;
    let trouble = match answered {
        Ok(Ok(Ok(printed))) => return printed.into_response(),
        Ok(Ok(Err(trouble))) => trouble,
        Ok(Err(_)) => Trouble::TooSlow,
        Err(_) => {
            edge.metrics().http.panicked();
            tracing::error!("a handler panicked; the standard error has where");
            Trouble::Panicked
        }
    };
    match clouds::tencent::speaks(&asked) {
        true => tencent::excuse(&asked, trouble),
        false => alibaba::excuse(&asked, trouble),
    }
    .into_response()
}

async fn speak(edge: &Edge, request: CloudRequest<'_>) -> Printed {
    match clouds::tencent::speaks(&request) {
        true => tencent::answer(edge, request).await,
        false => alibaba::answer(edge, request).await,
    }
}

fn headers(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

async fn read(body: axum::body::Body, most: usize) -> Result<Bytes, Trouble> {
    match Limited::new(body, most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => Err(Trouble::TooLong(most)),
        Err(_) => Err(Trouble::BrokenOff),
    }
}

/// Random bits for a request's id. Without them it is an id like another; nothing leans on it.
fn random_bits() -> [u8; 16] {
    let mut bytes = [0; 16];
    let _ = crate::random::fill(&mut bytes);
    bytes
}
