//! What the server says of itself.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use prometheus_client::encoding::text::encode;
use wire::{Health, NotReady, ProblemKind};

use crate::auth::{Allowed, Anyone};
use crate::edge::Edge;
use crate::extract::{NoQuery, Query};
use crate::refusal::Refusal;

/// The media type of the metrics, as OpenMetrics 1.0 has it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Describe the API
///
/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "server", operation_id = "describe_api", security(()),
    responses((status = 200, description = "The OpenAPI document", content_type = "application/json", body = String)),
)]
pub(super) async fn description(Query(NoQuery): Query<NoQuery>) -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, json)], crate::openapi::text()).into_response()
}

/// Whether the server lives
///
/// Answers as long as the server answers anything.
#[utoipa::path(
    get, path = "/healthz", tag = "server", operation_id = "health", security(()),
    responses((status = 200, description = "It does", body = Health)),
)]
pub(super) async fn health(Query(NoQuery): Query<NoQuery>) -> Json<Health> {
    Json(Health { status: "ok".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// Whether the server is ready
///
/// Whether requests can be served: the records and the store answer, and the server is not about to end.
#[utoipa::path(
    get, path = "/readyz", tag = "server", operation_id = "readiness", security(()),
    responses(
        (status = 200, description = "It is", body = Health),
        (status = 503, description = "It is not", body = NotReady),
    ),
)]
pub(super) async fn readiness(State(edge): State<Edge>, Query(NoQuery): Query<NoQuery>) -> Response {
    let missing = match edge.stopping().is_cancelled() {
        true => vec!["the server is about to end".to_owned()],
        false => edge.service().missing().await,
    };
    if missing.is_empty() {
        return health(Query(NoQuery)).await.into_response();
    }
    // Told as a document of its own: probes ask, and no person.
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, Json(NotReady { missing })).into_response();
    response.extensions_mut().insert(crate::layers::Deliberate);
    response
}

/// Metrics
///
/// Numbers in the text form of OpenMetrics.
#[utoipa::path(
    get, path = "/metrics", tag = "server", operation_id = "metrics",
    responses((status = 200, description = "The numbers", content_type = "application/openmetrics-text", body = String)),
)]
pub(super) async fn metrics(
    State(edge): State<Edge>,
    _: Allowed<Anyone>,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Response, Refusal> {
    let figures = edge.service().figures().await?;
    edge.metrics().figures.set(&figures);
    let mut text = String::new();
    encode(&mut text, edge.registry()).map_err(|error| {
        tracing::error!("the metrics could not be written: {error}");
        Refusal::new(ProblemKind::Internal)
    })?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS))], text).into_response())
}
