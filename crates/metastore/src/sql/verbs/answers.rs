//! Requests that are carried out once.

use async_trait::async_trait;
use model::Timestamp;

use super::super::{Store, Verb, Writing, answers};
use crate::{AnswerKey, AnswerRequest, AnswerTurn, AnswerVerbs, Result};

#[async_trait]
impl AnswerVerbs for Store {
    async fn begin_answer(
        &self,
        request: &AnswerRequest,
        lost: Option<u32>,
        now: Timestamp,
    ) -> Result<AnswerTurn> {
        let verb = Verb::durable("begin a request", &[], None);
        self.write(verb, async |writing: &mut Writing| answers::begin(writing, request, lost, now).await)
            .await
    }

    async fn beat_answer(&self, key: &AnswerKey, turn: u32, now: Timestamp) -> Result<bool> {
        let verb = Verb::quick("note a sign of life", &[], None);
        self.write(verb, async |writing: &mut Writing| answers::beat(writing, key, turn, now).await).await
    }

    async fn put_answer(&self, key: &AnswerKey, turn: u32, text: &[u8]) -> Result<bool> {
        let verb = Verb::durable("remember the answer", &[], None);
        self.write(verb, async |writing: &mut Writing| answers::answer(writing, key, turn, text).await).await
    }

    async fn give_up_answer(&self, key: &AnswerKey, turn: u32) -> Result<()> {
        let verb = Verb::durable("give a request up", &[], None);
        self.write(verb, async |writing: &mut Writing| answers::give_up(writing, key, turn).await).await
    }

    async fn forget_answers(&self, now: Timestamp) -> Result<u64> {
        let verb = Verb::quick("forget old answers", &[], None);
        self.write(verb, async |writing: &mut Writing| answers::forget(writing, now).await).await
    }
}
