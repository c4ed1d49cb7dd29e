//! `/v1/instances/{instance}/logs`: what an instance wrote, as a stream.

use axum::extract::State;
use axum::response::Response;
use futures::{StreamExt as _, stream};
use wire::LogLine;

use crate::auth::{Allowed, InstancesRead};
use crate::edge::Edge;
use crate::extract::{FromQuery, Pairs, Query, Word};
use crate::refusal::Refusal;
use crate::service::LogRequest;
use crate::sse;

/// The most lines that may be asked for from the end.
const MOST_TAIL: u64 = 1_000_000;

impl FromQuery for LogRequest {
    const KNOWN: &'static [&'static str] = &["follow", "tail"];

    fn from_pairs(pairs: &Pairs) -> Result<Self, Refusal> {
        Ok(Self { follow: pairs.flag("follow")?, tail: pairs.number("tail", 0..=MOST_TAIL)? })
    }
}

/// Read an instance's log
///
/// Events: `line` with a line of the log; `end` behind the last one; `problem` where the log could not be read further.
#[utoipa::path(
    get, path = "/v1/instances/{instance}/logs", tag = "instances", operation_id = "instance_logs",
    params(
        ("instance" = String, Path, description = "Its id, or its name"),
        ("follow" = Option<bool>, Query, description = "Wait for further lines until the instance ends"),
        ("tail" = Option<u64>, Query, description = "Only so many of the last lines"),
    ),
    responses((status = 200, description = "The stream", content_type = "text/event-stream", body = LogLine)),
)]
pub(super) async fn read(
    State(edge): State<Edge>,
    caller: Allowed<InstancesRead>,
    Word(word): Word,
    Query(request): Query<LogRequest>,
) -> Result<Response, Refusal> {
    let lines = edge.service().instance_logs(&caller.account, &word, request).await?;
    let to_owner = caller.is_owner;
    let events = lines.map(move |line| match line {
        Ok(line) => sse::event("line", &line),
        Err(error) => sse::failed(error, to_owner),
    });
    sse::respond(&edge, events.chain(stream::once(async { sse::bare("end") })))
}
