//! Requests that are carried out once, however often they come with one word: whose turn it is, and who is gone in the middle of his.
//!
//! For what is no single verb of the records: starts, deletions, and what else takes its time or touches more than records. Creating and
//! changing caches have their words in the records' own verbs.

use std::time::Duration;

use metastore::{AnswerKey, AnswerRequest, AnswerTurn, ClientToken, ProcessIdentity};
use model::{AccountId, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::fingerprint::fingerprint;
use crate::{Engine, Error, VaultError};

/// How often whoever carries a request out shows that he lives.
pub const ONCE_BEAT: Duration = Duration::from_secs(3);

/// A process that is not to be seen here and has given no sign for so long is gone. Not at once: one in another PID namespace is not
/// seen either.
const SEEN_GONE: Duration = Duration::from_secs(10);

/// Whoever gives no sign for so long is gone, wherever he is.
const SILENT: Duration = Duration::from_secs(60);

/// A request that is to be carried out once.
#[derive(Clone, Debug)]
pub struct OnceRequest {
    key: AnswerKey,
    fingerprint: [u8; 32],
    subject: String,
    is_secret: bool,
}

impl OnceRequest {
    /// A request of an account for an operation (in words that go on `to`, as `delete a cache`) with its word; `said` is what tells it from
    /// another one.
    #[must_use]
    pub fn new(
        account: AccountId,
        operation: &'static str,
        token: ClientToken,
        said: &impl Serialize,
    ) -> Self {
        let key = AnswerKey { account, operation, token };
        Self { key, fingerprint: fingerprint(said), subject: String::new(), is_secret: false }
    }

    /// About that, in the caller's own form: whoever takes it up after a crash has what was said the first time.
    #[must_use]
    pub fn about(mut self, subject: String) -> Self {
        self.subject = subject;
        self
    }

    /// What it is about, and its answer, are a secret: they are kept sealed.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }
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

impl Engine {
    /// Takes the turn to carry a request out, where it is nobody's, or that of somebody who is gone.
    ///
    /// # Errors
    /// Of the records: the word came with another request. [`Error::Vault`] where a secret cannot be sealed or opened.
    pub async fn begin_once(&self, request: &OnceRequest) -> Result<OnceTurn, Error> {
        let kept = self.workshop.parts.settings.client_tokens_kept;
        let kept = i64::try_from(kept.as_micros()).unwrap_or(i64::MAX);
        let now = self.clock().now();
        let asked = AnswerRequest {
            key: request.key.clone(),
            fingerprint: request.fingerprint,
            subject: self.closed(request, &request.subject)?,
            owner: self.workshop.parts.owner.clone(),
            kept_until: now.plus_micros(kept),
        };
        let turn = match self.records().begin_answer(&asked, None, now).await? {
            AnswerTurn::Theirs { turn, owner, beat } if is_gone(&owner, beat, now) => {
                tracing::info!(operation = request.key.operation, pid = owner.pid, "takes a request up");
                self.records().begin_answer(&asked, Some(turn), now).await?
            }
            turn => turn,
        };
        Ok(match turn {
            AnswerTurn::Ours { turn, subject } => {
                OnceTurn::Ours { number: turn, subject: self.opened(request, subject)? }
            }
            AnswerTurn::Theirs { .. } => OnceTurn::Theirs,
            AnswerTurn::Answered(answer) => OnceTurn::Answered(self.opened(request, answer)?),
        })
    }

    /// Shows that whoever has that turn lives.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn beat_once(&self, request: &OnceRequest, number: u32) -> Result<(), Error> {
        self.records().beat_answer(&request.key, number, self.clock().now()).await?;
        Ok(())
    }

    /// Leaves the answer for whoever asks again.
    ///
    /// # Errors
    /// Those of the records; [`Error::Vault`] where a secret cannot be sealed.
    pub async fn answer_once(&self, request: &OnceRequest, number: u32, answer: &str) -> Result<(), Error> {
        let answer = self.closed(request, answer)?;
        self.records().put_answer(&request.key, number, &answer).await?;
        Ok(())
    }

    /// Gives the turn back: nothing was done, and the word is as if it had not come.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn give_up_once(&self, request: &OnceRequest, number: u32) -> Result<(), Error> {
        Ok(self.records().give_up_answer(&request.key, number).await?)
    }

    fn closed(&self, request: &OnceRequest, text: &str) -> Result<Vec<u8>, Error> {
        if !request.is_secret {
            return Ok(text.as_bytes().to_vec());
        }
        let vault = self.vault().ok_or(VaultError::NoKeyForAnswer)?;
        Ok(vault.seal_answer(&request.key, &SecretString::from(text))?)
    }

    fn opened(&self, request: &OnceRequest, bytes: Vec<u8>) -> Result<String, Error> {
        if !request.is_secret {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        let vault = self.vault().ok_or(VaultError::NoKeyForAnswer)?;
        Ok(vault.open_answer(&request.key, bytes)?.expose_secret().to_owned())
    }
}

/// Whether whoever has a turn is gone; one that cannot be looked at is taken for alive.
fn is_gone(owner: &ProcessIdentity, beat: Timestamp, now: Timestamp) -> bool {
    let silent = Duration::from_micros(now.micros_since(beat));
    silent >= SILENT || (silent >= SEEN_GONE && !owner.is_alive().unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_silent_for_long_is_gone_and_the_dead_sooner() {
        let alive = ProcessIdentity::current().unwrap();
        let dead = ProcessIdentity { start_ticks: alive.start_ticks + 1, ..alive.clone() };
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        for (owner, seconds, expected) in
            [(&alive, 59, false), (&alive, 60, true), (&dead, 9, false), (&dead, 10, true)]
        {
            assert_eq!(is_gone(owner, at(0), at(seconds)), expected, "{seconds}");
        }
    }
}
