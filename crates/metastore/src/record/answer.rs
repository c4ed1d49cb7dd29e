//! Requests that are carried out once, however often they come.

use model::{AccountId, Timestamp};

use super::ClientToken;
use crate::ProcessIdentity;

/// What an answer is remembered by. A word means nothing to another account or operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnswerKey {
    /// Who asks.
    pub account: AccountId,
    /// For what, in words that go on `to`, as `delete a cache`.
    pub operation: &'static str,
    /// The caller's word.
    pub token: ClientToken,
}

/// A request that is to be carried out once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRequest {
    /// What its answer is remembered by.
    pub key: AnswerKey,
    /// SHA-256 over what it says: the same word with something else is refused.
    pub fingerprint: [u8; 32],
    /// What it is about, in the caller's own form: who takes it up after a crash has that of the first time.
    pub subject: Vec<u8>,
    /// Who would carry it out.
    pub owner: ProcessIdentity,
    /// Until when the answer is remembered; afterwards the same word is a new one.
    pub kept_until: Timestamp,
}

/// Whose turn it is to carry a request out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerTurn {
    /// The caller's.
    Ours {
        /// The number of the turn: 1, and more where somebody had begun before and is gone.
        turn: u32,
        /// What it is about, as it was said the first time.
        subject: Vec<u8>,
    },
    /// Somebody else's, who has not answered yet.
    Theirs {
        /// The number of the turn.
        turn: u32,
        /// Who.
        owner: ProcessIdentity,
        /// The last sign of life.
        beat: Timestamp,
    },
    /// Nobody's: it was carried out, and this is the answer.
    Answered(Vec<u8>),
}
