//! `/v1/matches`: which caches would serve some images.

use axum::Json;
use axum::extract::State;
use wire::{FindMatches, Ranking};

use super::checks;
use crate::auth::{Allowed, CachesRead};
use crate::edge::Edge;
use crate::extract::{Body, NoQuery, Query};
use crate::refusal::Refusal;

/// The most images that are matched at once.
const MOST_IMAGES: usize = 100;
/// The most caches in an answer.
const MOST_CACHES: u32 = 100;

/// Match images
///
/// The account's caches that would serve these images, best first, with the reason for every one taken or left. Nothing is
/// started. The registries are asked for the images' layers, unless `by_name_only` says otherwise; one that does not answer is no
/// failure.
#[utoipa::path(
    post, path = "/v1/matches", tag = "caches", operation_id = "match_images",
    request_body = FindMatches,
    responses((status = 200, description = "The ranking", body = Ranking)),
)]
pub(super) async fn find(
    State(edge): State<Edge>,
    caller: Allowed<CachesRead>,
    Query(NoQuery): Query<NoQuery>,
    Body(document): Body<FindMatches>,
) -> Result<Json<Ranking>, Refusal> {
    checks::images(&caller, &document.images, MOST_IMAGES)?;
    if let Some(limit) = document.limit.filter(|limit| !(1..=MOST_CACHES).contains(limit)) {
        return Err(Refusal::out_of_range("limit", limit, &format!("1 to {MOST_CACHES}")));
    }
    checks::space(document.space_bytes)?;
    checks::match_count(document.match_count)?;
    let ranking = edge.service().match_images(&caller.account, &document).await?;
    edge.metrics().matches.ranked(document.policy, &ranking);
    Ok(Json(ranking))
}
