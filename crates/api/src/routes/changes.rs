//! `/v1/changes`: which records are written, as a stream that can be resumed.

use std::collections::VecDeque;

use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use futures::{StreamExt as _, stream};
use http::HeaderMap;
use model::{AccountId, Subject};
use wire::{Change, Scope};

use crate::auth::{Allowed, Anyone};
use crate::edge::Edge;
use crate::extract::{NoQuery, Query};
use crate::refusal::Refusal;
use crate::service::{Changes, NumberedChange, ServiceResult};
use crate::sse;

/// Changes that are asked of the records at once.
const BATCH: u32 = 256;

/// Watch changes
///
/// Events: `ready` at the beginning, with the place where the stream begins; `change` with the record that was written; `reset`
/// where the server can no longer tell what the reader missed: read everything anew; `problem` where it failed. A reader that
/// comes again with `Last-Event-ID` is told what it missed. The stream lasts an hour at most. Caches are told to whoever may look
/// at caches, instances to whoever may look at instances.
#[utoipa::path(
    get, path = "/v1/changes", tag = "server", operation_id = "watch_changes",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that the reader has")),
    responses((status = 200, description = "The stream", content_type = "text/event-stream", body = Change)),
)]
pub(super) async fn watch(
    State(edge): State<Edge>,
    caller: Allowed<Anyone>,
    Query(NoQuery): Query<NoQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let sees = Sees { caches: caller.may(Scope::CachesRead), instances: caller.may(Scope::InstancesRead) };
    if !sees.caches && !sees.instances {
        caller.require(Scope::CachesRead)?;
    }
    let resumed: Option<u64> = match sse::last_event_id(&headers)? {
        Some(id) => Some(id.parse().map_err(|_| sse::wrong_id())?),
        None => None,
    };
    let newest = edge.service().newest_change().await?;
    let after = resumed.unwrap_or(newest);
    let mut waiting = VecDeque::new();
    match resumed {
        None => waiting.push_back(sse::bare("ready").id(newest.to_string())),
        // A number of the future: of other records than these.
        Some(after) if after > newest => waiting.push_back(sse::bare("reset").id(newest.to_string())),
        Some(_) => {}
    }
    let after = after.min(newest);
    let account = caller.account.clone();
    let to_owner = caller.is_owner;
    let watcher = Watcher { edge: edge.clone(), account, to_owner, sees, after, waiting, is_over: false };
    let events = stream::unfold(watcher, |watcher| watcher.next());
    sse::respond(&edge, events.take_until(tokio::time::sleep(sse::LONGEST)))
}

/// What the reader may see.
#[derive(Clone, Copy)]
struct Sees {
    caches: bool,
    instances: bool,
}

impl Sees {
    fn shows(self, subject: Subject) -> bool {
        match subject {
            Subject::Cache(_) => self.caches,
            Subject::Instance(_) => self.instances,
            // The native API has no word for them yet.
            Subject::Group(_) => false,
        }
    }
}

struct Watcher {
    edge: Edge,
    account: AccountId,
    to_owner: bool,
    sees: Sees,
    /// The number of the last change that was looked at.
    after: u64,
    /// At most a batch.
    waiting: VecDeque<Event>,
    is_over: bool,
}

impl Watcher {
    async fn next(mut self) -> Option<(Event, Self)> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some((event, self));
            }
            if self.is_over {
                return None;
            }
            if let Err(error) = self.look().await {
                self.is_over = true;
                return Some((sse::failed(error, self.to_owner), self));
            }
        }
    }

    async fn look(&mut self) -> ServiceResult<()> {
        let edge = self.edge.clone();
        match edge.service().changes(&self.account, self.after, BATCH).await? {
            Changes::Known { changes, seen } => {
                let is_news = seen > self.after;
                self.after = self.after.max(seen);
                let shown = changes.iter().filter(|change| self.sees.shows(change.subject));
                self.waiting.extend(shown.map(event));
                if !is_news {
                    edge.service().changed(self.after).await;
                }
            }
            Changes::Missed => {
                self.after = edge.service().newest_change().await?;
                self.waiting.push_back(sse::bare("reset").id(self.after.to_string()));
            }
        }
        Ok(())
    }
}

fn event(change: &NumberedChange) -> Event {
    let document = Change { subject: change.subject, gone: change.gone, at: change.at };
    sse::event("change", &document).id(change.number.to_string())
}
