//! The body: JSON, bounded in length and in the time it may take to come.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use wire::ProblemKind;

use crate::document;
use crate::edge::Edge;
use crate::refusal::Refusal;

/// A JSON document.
pub(crate) struct Body<T>(pub(crate) T);

/// A JSON document that may be left out.
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Edge> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, edge: &Edge) -> Result<Self, Refusal> {
        check_content_type(&request)?;
        Ok(Self(document::read(&collect(request, edge).await?)?))
    }
}

impl<T: DeserializeOwned + Default> FromRequest<Edge> for OptionalBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, edge: &Edge) -> Result<Self, Refusal> {
        let content_type = check_content_type(&request);
        let bytes = collect(request, edge).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        content_type?;
        Ok(Self(document::read(&bytes)?))
    }
}

fn check_content_type(request: &Request) -> Result<(), Refusal> {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Refusal::new(ProblemKind::UnsupportedMediaType)
        .detail(format!("failed to read a body of the type `{value}`"))
        .field("content-type")
        .allowed(["application/json"]))
}

async fn collect(request: Request, edge: &Edge) -> Result<Bytes, Refusal> {
    let limits = edge.limits();
    let too_large = || {
        Refusal::new(ProblemKind::BodyTooLarge)
            .detail(format!("failed to read the body: it is longer than {} bytes", limits.max_body_bytes))
            .allowed([format!("at most {} bytes", limits.max_body_bytes)])
    };
    // Said beforehand, so that nobody sends what is refused anyway.
    let said = request.headers().get(http::header::CONTENT_LENGTH);
    let said: Option<u64> = said.and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    if said.is_some_and(|length| length > limits.max_body_bytes as u64) {
        return Err(too_large());
    }
    let body = Limited::new(request.into_body(), limits.max_body_bytes).collect();
    match tokio::time::timeout(limits.request_timeout, body).await {
        Err(_) => {
            Err(Refusal::new(ProblemKind::Timeout).detail("failed to read the body: it came too slowly"))
        }
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => Err(too_large()),
        Ok(Err(_)) => {
            Err(Refusal::new(ProblemKind::BadRequest).detail("failed to read the body: it broke off"))
        }
    }
}
