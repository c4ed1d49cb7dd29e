//! `/v1/predictions`: how large a cache would be.

use axum::Json;
use axum::extract::State;
use wire::{PredictSize, Prediction};

use super::checks;
use crate::auth::{Allowed, CachesRead};
use crate::edge::Edge;
use crate::extract::{Body, NoQuery, Query};
use crate::refusal::Refusal;
use crate::service::PredictRequest;

/// Predict a size
///
/// How large a cache of these images would be, and how much of it is here already. Asks the registries for manifests.
#[utoipa::path(
    post, path = "/v1/predictions", tag = "caches", operation_id = "predict_size",
    request_body = PredictSize,
    responses((status = 200, description = "The prediction", body = Prediction)),
)]
pub(super) async fn predict(
    State(edge): State<Edge>,
    caller: Allowed<CachesRead>,
    Query(NoQuery): Query<NoQuery>,
    Body(document): Body<PredictSize>,
) -> Result<Json<Prediction>, Refusal> {
    checks::images(&caller, &document.images, checks::MOST_IMAGES)?;
    let request = PredictRequest {
        access: document.access(),
        platform: checks::platform(document.platform),
        images: document.images,
        credentials: document.credentials,
    };
    Ok(Json(edge.service().predict(&caller.account, request).await?))
}
