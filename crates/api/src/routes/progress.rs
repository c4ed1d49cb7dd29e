//! `/v1/caches/{cache}/progress`: how far a build is, as a stream.

use aws_lc_rs::digest;
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use futures::stream;
use http::HeaderMap;
use model::AccountId;
use tokio::time::MissedTickBehavior;
use wire::Progress;

use crate::auth::{Allowed, CachesRead};
use crate::edge::Edge;
use crate::extract::{NoQuery, Query, Word};
use crate::refusal::Refusal;
use crate::service::ServiceErrorKind;
use crate::sse;

/// Watch a build
///
/// Events: `progress` with how far the cache is, whenever that changed, the first one at once; `end` when nothing more will
/// come; `gone` where the cache was deleted; `problem` where it failed. A reader that comes again with `Last-Event-ID` is not told
/// the same again.
#[utoipa::path(
    get, path = "/v1/caches/{cache}/progress", tag = "caches", operation_id = "watch_cache",
    params(
        ("cache" = String, Path, description = "Its id, or its name"),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that the reader has"),
    ),
    responses((status = 200, description = "The stream", content_type = "text/event-stream", body = Progress)),
)]
pub(super) async fn watch(
    State(edge): State<Edge>,
    caller: Allowed<CachesRead>,
    Word(word): Word,
    Query(NoQuery): Query<NoQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let last = sse::last_event_id(&headers)?.map(ToOwned::to_owned);
    // Before the stream begins, so that an unknown cache is a 404; by its id from now on, whatever it is called.
    let found = edge.service().cache_progress(&caller.account, &word).await?;
    let mut ticks = tokio::time::interval(edge.limits().progress_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watcher = Watcher {
        edge: edge.clone(),
        account: caller.account.clone(),
        to_owner: caller.is_owner,
        word: found.id.to_string(),
        told: last,
        ticks,
        step: Step::Watch,
    };
    let events = stream::unfold(watcher, |watcher| watcher.next());
    let longest = tokio::time::sleep(sse::LONGEST);
    sse::respond(&edge, futures::StreamExt::take_until(events, longest))
}

enum Step {
    Watch,
    End,
    Over,
}

struct Watcher {
    edge: Edge,
    account: AccountId,
    to_owner: bool,
    word: String,
    /// The id of what the reader has.
    told: Option<String>,
    ticks: tokio::time::Interval,
    step: Step,
}

impl Watcher {
    async fn next(mut self) -> Option<(Event, Self)> {
        match self.step {
            Step::Over => return None,
            Step::End => {
                self.step = Step::Over;
                return Some((sse::bare("end"), self));
            }
            Step::Watch => {}
        }
        loop {
            self.ticks.tick().await;
            let progress = match self.edge.service().cache_progress(&self.account, &self.word).await {
                Ok(progress) => progress,
                Err(error) => {
                    self.step = Step::Over;
                    let is_gone = error.kind == ServiceErrorKind::NotFound;
                    let event = if is_gone { sse::bare("gone") } else { sse::failed(error, self.to_owner) };
                    return Some((event, self));
                }
            };
            let id = id_of(&progress);
            let is_news = self.told.as_deref() != Some(&id);
            if progress.is_settled {
                self.step = Step::End;
            }
            if is_news {
                self.told = Some(id.clone());
                return Some((sse::event("progress", &progress).id(id), self));
            }
            if progress.is_settled {
                self.step = Step::Over;
                return Some((sse::bare("end"), self));
            }
        }
    }
}

/// The same for the same document, on every server.
fn id_of(progress: &Progress) -> String {
    let document = serde_json::to_vec(progress).expect("our documents have no key that is no text");
    hex::encode(&digest::digest(&digest::SHA256, &document).as_ref()[..8])
}
