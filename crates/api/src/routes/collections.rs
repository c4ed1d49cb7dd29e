//! `/v1/collections`: giving back space.

use axum::extract::State;
use axum::response::Response;
use wire::{Collect, Collection};

use crate::auth::{Admin, Allowed};
use crate::edge::Edge;
use crate::extract::{Key, NoQuery, OptionalBody, Query};
use crate::once::{Asked, Told, Turn};
use crate::refusal::Refusal;

/// Collect
///
/// Gives back the space of blobs and image snapshots that nothing names. The server does it by itself now and then; this does it
/// now.
#[utoipa::path(
    post, path = "/v1/collections", tag = "server", operation_id = "collect",
    request_body = Option<Collect>,
    params(("Idempotency-Key" = Option<String>, Header, description = "Tells a request that comes again from a further one")),
    responses((status = 200, description = "What went, or would", body = Collection)),
)]
pub(super) async fn collect(
    State(edge): State<Edge>,
    caller: Allowed<Admin>,
    Query(NoQuery): Query<NoQuery>,
    Key(key): Key,
    OptionalBody(wish): OptionalBody<Collect>,
) -> Result<Response, Refusal> {
    let (service, asked) = (edge.service_arc(), Asked::to("collect", &wish));
    let action = async move |_: Turn| Ok(Told::ok(&service.collect(wish.dry_run).await?));
    edge.once(&caller.account, key, asked, action).await
}
