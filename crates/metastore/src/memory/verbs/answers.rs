//! Requests that are carried out once, in memory.

use async_trait::async_trait;
use model::Timestamp;

use super::super::MemoryMetastore;
use crate::{AnswerKey, AnswerRequest, AnswerTurn, AnswerVerbs, Result, rules};

#[async_trait]
impl AnswerVerbs for MemoryMetastore {
    async fn begin_answer(
        &self,
        request: &AnswerRequest,
        lost: Option<u32>,
        now: Timestamp,
    ) -> Result<AnswerTurn> {
        let mut records = self.records();
        let known = records.answers.get(&request.key).cloned();
        let (turn, remembered) = rules::begin_answer(known, request, lost, now)?;
        if let Some(remembered) = remembered {
            records.answers.insert(request.key.clone(), remembered);
        }
        Ok(turn)
    }

    async fn beat_answer(&self, key: &AnswerKey, turn: u32, now: Timestamp) -> Result<bool> {
        let mut records = self.records();
        let known = records.answers.get_mut(key).filter(|known| known.turn == turn && known.answer.is_none());
        Ok(known.map(|known| known.beat = known.beat.max(now)).is_some())
    }

    async fn put_answer(&self, key: &AnswerKey, turn: u32, answer: &[u8]) -> Result<bool> {
        let mut records = self.records();
        let known = records.answers.get_mut(key).filter(|known| known.turn == turn && known.answer.is_none());
        Ok(known.map(|known| known.answer = Some(answer.to_vec())).is_some())
    }

    async fn give_up_answer(&self, key: &AnswerKey, turn: u32) -> Result<()> {
        let mut records = self.records();
        if records.answers.get(key).is_some_and(|known| known.turn == turn && known.answer.is_none()) {
            records.answers.remove(key);
        }
        Ok(())
    }

    async fn forget_answers(&self, now: Timestamp) -> Result<u64> {
        let mut records = self.records();
        let had = records.answers.len();
        records.answers.retain(|_, known| known.kept_until > now);
        Ok((had - records.answers.len()) as u64)
    }
}
