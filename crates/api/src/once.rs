//! Actions that a key makes safe to ask for again: carried out once, and answered as the first time.
//!
//! What is refused or fails leaves nothing behind: the key is as if it had not come. While one request with a key is being carried out,
//! others with it wait for its answer, in whatever process. Where whoever carries it out is gone in the middle, the next one takes it up,
//! and is told so: it looks at what was done before it does it.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};
use model::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::{IdempotencyKey, ProblemKind};

use crate::edge::Edge;
use crate::refusal::Refusal;
use crate::service::{Once, OnceTurn, Service, ServiceResult};

/// Says of an answer that it was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How often an answer is looked for that another process is to give.
const LOOK: Duration = Duration::from_millis(500);

/// A request that may come again.
pub(crate) struct Asked {
    operation: &'static str,
    said: String,
    subject: String,
    is_secret: bool,
}

impl Asked {
    /// For that operation, in words that go on `to`; `said` is what tells it from another request.
    pub(crate) fn to(operation: &'static str, said: &impl Serialize) -> Self {
        let said = serde_json::to_string(said).expect("our documents have no key that is no text");
        Self { operation, said, subject: String::new(), is_secret: false }
    }

    /// What it is about: whoever takes it up has what was said the first time.
    pub(crate) fn about(self, subject: &impl Serialize) -> Self {
        let subject = serde_json::to_string(subject).expect("our documents have no key that is no text");
        Self { subject, ..self }
    }

    /// What it is about, and its answer, tell a secret.
    pub(crate) fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }
}

/// A turn to carry an action out.
pub(crate) struct Turn {
    subject: String,
    /// Whether somebody had begun before, and is gone: all of it may be done, or some, or nothing.
    pub(crate) is_again: bool,
}

impl Turn {
    /// What it is about, as it was said the first time; `None` where nothing was said.
    pub(crate) fn subject<T: for<'a> Deserialize<'a>>(&self) -> Option<T> {
        serde_json::from_str(&self.subject).ok()
    }
}

/// What an action is answered with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    status: u16,
    location: Option<String>,
    /// Whether no cache on the way may keep it.
    is_secret: bool,
    body: Value,
}

impl Told {
    pub(crate) fn new(status: StatusCode, document: &impl Serialize) -> Self {
        let body = serde_json::to_value(document).expect("our documents have no key that is no text");
        Self { status: status.as_u16(), location: None, is_secret: false, body }
    }

    /// All is well, and this is it.
    pub(crate) fn ok(document: &impl Serialize) -> Self {
        Self::new(StatusCode::OK, document)
    }

    pub(crate) fn at(self, location: String) -> Self {
        Self { location: Some(location), ..self }
    }

    pub(crate) fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }

    fn text(&self) -> String {
        serde_json::to_string(self).expect("our documents have no key that is no text")
    }

    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = (status, Json(self.body)).into_response();
        if let Some(location) = self.location.and_then(|location| HeaderValue::try_from(location).ok()) {
            response.headers_mut().insert(LOCATION, location);
        }
        if self.is_secret {
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        response
    }
}

impl Edge {
    /// Carries an action out to its end; with a key once, however often it is asked for.
    pub(crate) async fn once<Fut>(
        &self,
        account: &AccountId,
        key: Option<IdempotencyKey>,
        asked: Asked,
        action: impl FnOnce(Turn) -> Fut + Send + 'static,
    ) -> Result<Response, Refusal>
    where
        Fut: Future<Output = Result<Told, Refusal>> + Send + 'static,
    {
        let Asked { operation, said, subject, is_secret } = asked;
        let Some(key) = key else {
            let turn = Turn { subject, is_again: false };
            return Ok(self.carry_out(action(turn)).await?.into_response());
        };
        let once = Once { account: account.clone(), operation, key, said, subject, is_secret };
        let (number, subject) = match self.turn(&once).await? {
            OnceTurn::Ours { number, subject } => (number, subject),
            OnceTurn::Answered(answer) => return replayed(&answer),
            OnceTurn::Theirs => return Err(Refusal::new(ProblemKind::Busy).detail(ENDING)),
        };
        let edge = self.clone();
        let told = self.carry_out(async move {
            edge.in_turn(&once, number, action(Turn { subject, is_again: number > 1 }), Told::text).await
        });
        Ok(told.await?.into_response())
    }

    /// Waits until it is somebody's turn no more, or the server is about to end.
    pub(crate) async fn turn(&self, once: &Once) -> ServiceResult<OnceTurn> {
        loop {
            let left = self.answered().notified();
            let turn = self.service().begin_once(once).await?;
            if turn != OnceTurn::Theirs {
                return Ok(turn);
            }
            tokio::select! {
                () = left => {}
                () = tokio::time::sleep(LOOK) => {}
                () = self.stopping().cancelled() => return Ok(turn),
            }
        }
    }

    /// Carries an action out in the turn of that number, and leaves what came of it in the words of `told`.
    pub(crate) async fn in_turn<T, E>(
        &self,
        once: &Once,
        number: u32,
        action: impl Future<Output = Result<T, E>>,
        told: impl FnOnce(&T) -> String,
    ) -> Result<T, E> {
        let done = with_beats(self.service(), once, number, action).await;
        self.leave(once, number, done.as_ref().ok().map(told)).await;
        done
    }

    /// Leaves the answer, or what was begun. Where neither can be recorded, the next one takes it up once nothing is seen of this turn.
    async fn leave(&self, once: &Once, number: u32, answer: Option<String>) {
        let left = match answer {
            Some(answer) => self.service().answer_once(once, number, &answer).await,
            None => self.service().give_up_once(once, number).await,
        };
        if let Err(error) = left {
            tracing::warn!(error = engine::chain(&error), "failed to leave an answer for whoever asks again");
        }
        self.answered().notify_waiters();
    }
}

/// Of a request with a key that another is carrying out, where the server is about to end.
const ENDING: &str =
    "failed to wait for the request with this idempotency key: the server is about to end; ask again";

fn replayed(answer: &str) -> Result<Response, Refusal> {
    let told: Told = serde_json::from_str(answer).map_err(|error| {
        tracing::error!(error = engine::chain(&error), "failed to read a remembered answer");
        Refusal::new(ProblemKind::Internal)
    })?;
    let mut response = told.into_response();
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// Carries it out, and shows meanwhile that somebody is at it.
async fn with_beats<T>(
    service: &dyn Service,
    once: &Once,
    number: u32,
    action: impl Future<Output = T>,
) -> T {
    let mut tick = tokio::time::interval(engine::ONCE_BEAT);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first one is at once.
    tick.tick().await;
    let mut action = std::pin::pin!(action);
    loop {
        tokio::select! {
            done = &mut action => return done,
            _ = tick.tick() => {
                if let Err(error) = service.beat_once(once, number).await {
                    tracing::warn!(error = engine::chain(&error), "failed to show that a request is at work");
                }
            }
        }
    }
}
