//! `/v1/usage`: quotas and what is used of them.

use axum::Json;
use axum::extract::State;
use wire::Usage;

use crate::auth::{Allowed, CachesRead};
use crate::edge::Edge;
use crate::extract::{NoQuery, Query};
use crate::refusal::Refusal;

/// Show usage
///
/// How much of its quotas the account uses.
#[utoipa::path(
    get, path = "/v1/usage", tag = "caches", operation_id = "show_usage",
    responses((status = 200, description = "The usage", body = Usage)),
)]
pub(super) async fn show(
    State(edge): State<Edge>,
    caller: Allowed<CachesRead>,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Json<Usage>, Refusal> {
    Ok(Json(edge.service().usage(&caller.account).await?))
}
