//! `/v1/instances/{instance}/exec`: a command in an instance, its output as a stream.

use axum::extract::State;
use axum::response::Response;
use futures::StreamExt as _;
use wire::{Exec, ExecEvent, Output, ProblemKind};

use crate::auth::{Allowed, InstancesWrite};
use crate::edge::Edge;
use crate::extract::{Body, NoKey, NoQuery, Query, Word};
use crate::refusal::Refusal;
use crate::sse;

/// Run a command in an instance
///
/// Events: `output` with what the command wrote, as it comes; `ended` with how it ended, the last one; `problem` where it could
/// not be run. The command waits for a slow reader, and is killed where the reader goes. The header `Idempotency-Key` is refused: a
/// command is run each time that it is asked for.
#[utoipa::path(
    post, path = "/v1/instances/{instance}/exec", tag = "instances", operation_id = "exec",
    request_body = Exec,
    params(("instance" = String, Path, description = "Its id, or its name")),
    responses((status = 200, description = "The stream", content_type = "text/event-stream", body = Output)),
)]
pub(super) async fn run(
    State(edge): State<Edge>,
    caller: Allowed<InstancesWrite>,
    Word(word): Word,
    Query(NoQuery): Query<NoQuery>,
    NoKey: NoKey,
    Body(exec): Body<Exec>,
) -> Result<Response, Refusal> {
    if exec.command.is_empty() {
        let refusal = Refusal::new(ProblemKind::InvalidField).field("command");
        return Err(refusal.detail("failed to take the command: it is empty").allowed(["at least one word"]));
    }
    let feed = edge.service().exec(&caller.account, &word, exec).await?;
    let to_owner = caller.is_owner;
    let events = feed.map(move |event| match event {
        Ok(ExecEvent::Output(output)) => sse::event("output", &output),
        Ok(ExecEvent::Ended(ended)) => sse::event("ended", &ended),
        Err(error) => sse::failed(error, to_owner),
    });
    sse::respond(&edge, events)
}
