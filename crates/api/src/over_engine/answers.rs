//! Requests that are carried out once, by the engine.

use async_trait::async_trait;
use engine::OnceRequest;

use super::{OverEngine, client_token};
use crate::service::{Answers, Once, OnceTurn, ServiceResult};

fn request(once: &Once) -> ServiceResult<OnceRequest> {
    let token = client_token(Some(&once.key))?.expect("one is given");
    let request = OnceRequest::new(once.account.clone(), once.operation, token, &once.said);
    let request = request.about(once.subject.clone());
    Ok(if once.is_secret { request.secret() } else { request })
}

#[async_trait]
impl Answers for OverEngine {
    async fn begin_once(&self, once: &Once) -> ServiceResult<OnceTurn> {
        Ok(match self.engine.begin_once(&request(once)?).await? {
            engine::OnceTurn::Ours { number, subject } => OnceTurn::Ours { number, subject },
            engine::OnceTurn::Theirs => OnceTurn::Theirs,
            engine::OnceTurn::Answered(answer) => OnceTurn::Answered(answer),
        })
    }

    async fn beat_once(&self, once: &Once, number: u32) -> ServiceResult<()> {
        Ok(self.engine.beat_once(&request(once)?, number).await?)
    }

    async fn answer_once(&self, once: &Once, number: u32, answer: &str) -> ServiceResult<()> {
        Ok(self.engine.answer_once(&request(once)?, number, answer).await?)
    }

    async fn give_up_once(&self, once: &Once, number: u32) -> ServiceResult<()> {
        Ok(self.engine.give_up_once(&request(once)?, number).await?)
    }
}
