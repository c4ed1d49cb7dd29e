//! What the double remembers of requests that come once.

use api::service::{Answers, Once, OnceTurn, ServiceError, ServiceErrorKind, ServiceResult};
use async_trait::async_trait;
use model::AccountId;

use super::Double;

/// Of an account, an operation and a key.
pub(super) type Key = (AccountId, &'static str, String);

/// A request as it was begun, and its answer.
#[derive(Clone)]
pub(super) struct Begun {
    said: String,
    subject: String,
    number: u32,
    answer: Option<String>,
    /// Whether whoever had begun it is gone.
    is_lost: bool,
}

fn key(once: &Once) -> Key {
    (once.account.clone(), once.operation, once.key.to_string())
}

impl Double {
    /// As if the answers that were left had never been left.
    pub(crate) fn lose_answers(&self) {
        self.with(|all| {
            all.answers.values_mut().for_each(|begun| (begun.answer, begun.is_lost) = (None, true));
        });
    }
}

#[async_trait]
impl Answers for Double {
    async fn begin_once(&self, once: &Once) -> ServiceResult<OnceTurn> {
        self.with(|all| {
            let new = Begun {
                said: once.said.clone(),
                subject: once.subject.clone(),
                number: 0,
                answer: None,
                is_lost: true,
            };
            let begun = all.answers.entry(key(once)).or_insert(new);
            if begun.said != once.said {
                let message =
                    format!("failed to take the key: used for another request to {}", once.operation);
                return Err(ServiceError::new(ServiceErrorKind::KeyReused, message).about("idempotency-key"));
            }
            if let Some(answer) = &begun.answer {
                return Ok(OnceTurn::Answered(answer.clone()));
            }
            if !std::mem::take(&mut begun.is_lost) {
                return Ok(OnceTurn::Theirs);
            }
            begun.number += 1;
            Ok(OnceTurn::Ours { number: begun.number, subject: begun.subject.clone() })
        })
    }

    async fn beat_once(&self, _: &Once, _: u32) -> ServiceResult<()> {
        Ok(())
    }

    async fn answer_once(&self, once: &Once, number: u32, answer: &str) -> ServiceResult<()> {
        self.with(|all| {
            if let Some(begun) = all.answers.get_mut(&key(once)).filter(|begun| begun.number == number) {
                begun.answer = Some(answer.to_owned());
            }
        });
        Ok(())
    }

    async fn give_up_once(&self, once: &Once, number: u32) -> ServiceResult<()> {
        self.with(|all| {
            if all.answers.get(&key(once)).is_some_and(|begun| begun.number == number) {
                all.answers.remove(&key(once));
            }
        });
        Ok(())
    }
}
