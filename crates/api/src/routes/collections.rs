//! `/v1/collections`: giving back space.

use axum::Json;
use axum::extract::State;
use wire::{Collect, Collection};

use crate::auth::{Admin, Allowed};
use crate::edge::Edge;
use crate::extract::{NoQuery, OptionalBody, Query};
use crate::refusal::Refusal;

/// Collect
///
/// Gives back the space of blobs and image snapshots that nothing names. The server does it by itself now and then; this does it
/// now.
#[utoipa::path(
    post, path = "/v1/collections", tag = "server", operation_id = "collect",
    request_body = Option<Collect>,
    responses((status = 200, description = "What went, or would", body = Collection)),
)]
pub(super) async fn collect(
    State(edge): State<Edge>,
    _: Allowed<Admin>,
    Query(NoQuery): Query<NoQuery>,
    OptionalBody(asked): OptionalBody<Collect>,
) -> Result<Json<Collection>, Refusal> {
    let service = edge.service_arc();
    let done = edge.carry_out(async move { service.collect(asked.dry_run).await });
    Ok(Json(done.await?))
}
