//! The part of the port about requests that are carried out once.

use async_trait::async_trait;
use model::AccountId;
use wire::IdempotencyKey;

use super::ServiceResult;

/// A request that is to be carried out once, however often it comes with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// Who asks.
    pub account: AccountId,
    /// For what, in words that go on `to`, as `delete a cache`.
    pub operation: &'static str,
    /// The caller's key.
    pub key: IdempotencyKey,
    /// What tells it from another request.
    pub said: String,
    /// What it is about: whoever takes it up after a crash has what was said the first time.
    pub subject: String,
    /// Whether what it is about, and its answer, tell a secret.
    pub is_secret: bool,
}

/// Whose turn it is to carry a request out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnceTurn {
    /// The caller's.
    Ours {
        /// The number of the turn: more than 1 where somebody had begun before and is gone.
        number: u32,
        /// What it is about, as it was said the first time.
        subject: String,
    },
    /// Somebody else's, who is at it.
    Theirs,
    /// Nobody's: this is the answer.
    Answered(String),
}

/// Remembers answers by the callers' keys.
#[async_trait]
pub trait Answers: Send + Sync + 'static {
    /// Takes the turn to carry a request out, where it is nobody's, or that of somebody who is gone.
    async fn begin_once(&self, once: &Once) -> ServiceResult<OnceTurn>;

    /// Shows that whoever has that turn lives.
    async fn beat_once(&self, once: &Once, number: u32) -> ServiceResult<()>;

    /// Leaves the answer.
    async fn answer_once(&self, once: &Once, number: u32, answer: &str) -> ServiceResult<()>;

    /// Gives the turn back: nothing was done.
    async fn give_up_once(&self, once: &Once, number: u32) -> ServiceResult<()>;
}
