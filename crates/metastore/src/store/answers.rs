//! The contract of every metastore about requests that are carried out once.

use async_trait::async_trait;
use model::Timestamp;

use crate::{AnswerKey, AnswerRequest, AnswerTurn, Result};

/// Requests that are carried out once, however often they come with one word, and their answers.
///
/// For operations that are no single verb: whoever may carry one out says so first, shows signs of life, and leaves the answer. Creating
/// and changing caches have their words in their own verbs ([`TokenUse`](crate::TokenUse)).
#[async_trait]
pub trait AnswerVerbs: Send + Sync {
    /// Takes the turn to carry a request out, where it is nobody's and nothing is answered. Of any number that ask at once one
    /// gets it. `lost` is a turn whose owner the caller knows to be gone: where it is still that turn, the caller has the next one. Durable
    /// when it returns.
    ///
    /// # Errors
    /// [`TokenMismatch`](crate::Error::TokenMismatch) where the word came with another request.
    async fn begin_answer(
        &self,
        request: &AnswerRequest,
        lost: Option<u32>,
        now: Timestamp,
    ) -> Result<AnswerTurn>;

    /// Notes that whoever has that turn is at it; `false` where it is not that turn any more.
    ///
    /// # Errors
    /// Only the common ones.
    async fn beat_answer(&self, key: &AnswerKey, turn: u32, now: Timestamp) -> Result<bool>;

    /// Remembers the answer; `false` where it is not that turn any more. Durable when it returns.
    ///
    /// # Errors
    /// Only the common ones.
    async fn put_answer(&self, key: &AnswerKey, turn: u32, answer: &[u8]) -> Result<bool>;

    /// Gives the turn back: nothing was done, and the word is as if it had not come. Not where it is another turn by now.
    ///
    /// # Errors
    /// Only the common ones.
    async fn give_up_answer(&self, key: &AnswerKey, turn: u32) -> Result<()>;

    /// Drops what is remembered and whose time is over; returns how many.
    ///
    /// # Errors
    /// Only the common ones.
    async fn forget_answers(&self, now: Timestamp) -> Result<u64>;
}
