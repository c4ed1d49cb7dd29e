//! Whose turn it is to carry out a request that comes with a word.

use model::Timestamp;

use crate::{AnswerRequest, AnswerTurn, Error, ProcessIdentity, Result};

/// A request as remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RememberedAnswer {
    pub(crate) fingerprint: [u8; 32],
    pub(crate) kept_until: Timestamp,
    pub(crate) subject: Vec<u8>,
    pub(crate) owner: ProcessIdentity,
    pub(crate) turn: u32,
    pub(crate) beat: Timestamp,
    /// `None` before it is carried out.
    pub(crate) answer: Option<Vec<u8>>,
}

/// Whose turn it is, and what is to be remembered now, where that is something else. `lost` is the turn that its owner is known to
/// be gone in the middle of.
pub(crate) fn begin_answer(
    known: Option<RememberedAnswer>,
    request: &AnswerRequest,
    lost: Option<u32>,
    now: Timestamp,
) -> Result<(AnswerTurn, Option<RememberedAnswer>)> {
    let is_over = |known: &RememberedAnswer| known.answer.is_some() && known.kept_until <= now;
    let Some(known) = known.filter(|known| !is_over(known)) else {
        return Ok(ours(RememberedAnswer {
            fingerprint: request.fingerprint,
            kept_until: request.kept_until,
            subject: request.subject.clone(),
            owner: request.owner.clone(),
            turn: 1,
            beat: now,
            answer: None,
        }));
    };
    if known.fingerprint != request.fingerprint {
        let token = request.key.token.as_str().to_owned();
        return Err(Error::TokenMismatch { token, operation: request.key.operation });
    }
    match known.answer {
        Some(answer) => Ok((AnswerTurn::Answered(answer), None)),
        None if lost == Some(known.turn) => {
            let (owner, turn) = (request.owner.clone(), known.turn.saturating_add(1));
            Ok(ours(RememberedAnswer { owner, turn, beat: now, ..known }))
        }
        None => Ok((AnswerTurn::Theirs { turn: known.turn, owner: known.owner, beat: known.beat }, None)),
    }
}

fn ours(remembered: RememberedAnswer) -> (AnswerTurn, Option<RememberedAnswer>) {
    let turn = AnswerTurn::Ours { turn: remembered.turn, subject: remembered.subject.clone() };
    (turn, Some(remembered))
}
