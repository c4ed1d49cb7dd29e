//! Operations that a client token makes safe to ask for again: carried out once, and answered as the first time.
//!
//! Creating an image cache has its token in the records' own verb.

use std::fmt::Debug;

use clouds::alibaba::request::ClientToken;
use clouds::alibaba::{ErrorCode, OperationName, Refusal};

use super::caches::key;
use super::{Caller, refusals};
use crate::service::{Once, OnceTurn};

/// A turn to carry an operation out.
pub(super) struct Turn {
    /// What it is about, as it was said the first time.
    pub(super) subject: String,
    /// Whether somebody had begun before, and is gone: all of it may be done, or some, or nothing.
    pub(super) is_again: bool,
}

impl Caller {
    /// Carries an operation out, with a token once, and gives what came of it, the first time. `said` tells it from another request:
    /// passwords are not shown by it, and do not count.
    pub(super) async fn once<Fut>(
        &self,
        operation: OperationName,
        token: Option<&ClientToken>,
        said: &(impl Debug + Sync),
        subject: String,
        action: impl FnOnce(Turn) -> Fut,
    ) -> Result<String, Refusal>
    where
        Fut: Future<Output = Result<String, Refusal>>,
    {
        let Some(key) = key(token) else { return action(Turn { subject, is_again: false }).await };
        let (account, said) = (self.account.clone(), format!("{said:?}"));
        let once = Once { account, operation: operation.as_str(), key, said, subject, is_secret: false };
        let turn = self.edge.turn(&once).await;
        match turn.map_err(|error| refusals::of_caches(operation, "", &error))? {
            OnceTurn::Answered(answer) => Ok(answer),
            OnceTurn::Theirs => Err(Refusal::new(ErrorCode::ServiceUnavailable)),
            OnceTurn::Ours { number, subject } => {
                let action = action(Turn { subject, is_again: number > 1 });
                self.edge.in_turn(&once, number, action, Clone::clone).await
            }
        }
    }
}
