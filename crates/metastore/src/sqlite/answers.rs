//! Requests that are carried out once.

use async_trait::async_trait;
use model::Timestamp;
use sqlx::SqliteConnection;

use super::SqliteMetastore;
use crate::error::failed;
use crate::rows::{self, signed};
use crate::rules::{self, RememberedAnswer};
use crate::{AnswerKey, AnswerRequest, AnswerTurn, IdempotentAnswers, Result};

const KNOWN: &str = "SELECT * FROM answers WHERE account = ? AND operation = ? AND token = ?";
const PUT: &str = "INSERT INTO answers (account, operation, token, fingerprint, kept_until, subject, owner_pid, owner_start, owner_boot, turn, \
     beat, answered, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
     ON CONFLICT (account, operation, token) DO UPDATE SET fingerprint = excluded.fingerprint, kept_until = excluded.kept_until, \
     subject = excluded.subject, owner_pid = excluded.owner_pid, owner_start = excluded.owner_start, \
     owner_boot = excluded.owner_boot, turn = excluded.turn, beat = excluded.beat, answered = excluded.answered, \
     answer = excluded.answer";
const BEAT: &str = "UPDATE answers SET beat = max(beat, ?) WHERE account = ? AND operation = ? AND token = ? AND turn = ? AND NOT answered";
const ANSWER: &str = "UPDATE answers SET answered = TRUE, answer = ? WHERE account = ? AND operation = ? AND token = ? AND turn = ? AND NOT answered";
const GIVE_UP: &str =
    "DELETE FROM answers WHERE account = ? AND operation = ? AND token = ? AND turn = ? AND NOT answered";
const FORGET: &str = "DELETE FROM answers WHERE kept_until <= ?";

async fn known(connection: &mut SqliteConnection, key: &AnswerKey) -> Result<Option<RememberedAnswer>> {
    let row = sqlx::query(KNOWN)
        .bind(key.account.as_str())
        .bind(key.operation)
        .bind(key.token.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed("look for the answer"))?;
    row.as_ref().map(rows::answer).transpose()
}

async fn put(
    connection: &mut SqliteConnection,
    key: &AnswerKey,
    remembered: &RememberedAnswer,
) -> Result<()> {
    sqlx::query(PUT)
        .bind(key.account.as_str())
        .bind(key.operation)
        .bind(key.token.as_str())
        .bind(remembered.fingerprint.as_slice())
        .bind(remembered.kept_until.as_micros())
        .bind(remembered.subject.as_slice())
        .bind(i64::from(remembered.owner.pid))
        .bind(signed("start of a process", remembered.owner.start_ticks)?)
        .bind(remembered.owner.boot_id.as_str())
        .bind(i64::from(remembered.turn))
        .bind(remembered.beat.as_micros())
        .bind(remembered.answer.is_some())
        .bind(remembered.answer.as_deref().unwrap_or_default())
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed("remember a request"))
}

async fn begin(
    connection: &mut SqliteConnection,
    request: &AnswerRequest,
    lost: Option<u32>,
    now: Timestamp,
) -> Result<AnswerTurn> {
    let known = known(connection, &request.key).await?;
    let (turn, remembered) = rules::begin_answer(known, request, lost, now)?;
    if let Some(remembered) = remembered {
        put(connection, &request.key, &remembered).await?;
    }
    Ok(turn)
}

async fn beat(connection: &mut SqliteConnection, key: &AnswerKey, turn: u32, now: Timestamp) -> Result<bool> {
    let query = sqlx::query(BEAT).bind(now.as_micros());
    let query = query.bind(key.account.as_str()).bind(key.operation).bind(key.token.as_str());
    let done = query.bind(i64::from(turn)).execute(connection).await;
    Ok(done.map_err(failed("note a sign of life"))?.rows_affected() > 0)
}

async fn answer(connection: &mut SqliteConnection, key: &AnswerKey, turn: u32, text: &[u8]) -> Result<bool> {
    let query = sqlx::query(ANSWER).bind(text);
    let query = query.bind(key.account.as_str()).bind(key.operation).bind(key.token.as_str());
    let done = query.bind(i64::from(turn)).execute(connection).await;
    Ok(done.map_err(failed("remember the answer"))?.rows_affected() > 0)
}

async fn give_up(connection: &mut SqliteConnection, key: &AnswerKey, turn: u32) -> Result<()> {
    let query = sqlx::query(GIVE_UP).bind(key.account.as_str()).bind(key.operation);
    let done = query.bind(key.token.as_str()).bind(i64::from(turn)).execute(connection).await;
    done.map(drop).map_err(failed("give a request up"))
}

async fn forget(connection: &mut SqliteConnection, now: Timestamp) -> Result<u64> {
    let done = sqlx::query(FORGET).bind(now.as_micros()).execute(connection).await;
    Ok(done.map_err(failed("forget old answers"))?.rows_affected())
}

#[async_trait]
impl IdempotentAnswers for SqliteMetastore {
    async fn begin_answer(
        &self,
        request: &AnswerRequest,
        lost: Option<u32>,
        now: Timestamp,
    ) -> Result<AnswerTurn> {
        let mut writing = self.writing("begin a request").await?;
        let done = begin(&mut writing.transaction, request, lost, now).await?;
        writing.commit().await?;
        Ok(done)
    }

    async fn beat_answer(&self, key: &AnswerKey, turn: u32, now: Timestamp) -> Result<bool> {
        let mut writing = self.writing_quickly("note a sign of life").await?;
        let done = beat(&mut writing.transaction, key, turn, now).await?;
        writing.commit().await?;
        Ok(done)
    }

    async fn put_answer(&self, key: &AnswerKey, turn: u32, text: &[u8]) -> Result<bool> {
        let mut writing = self.writing("remember the answer").await?;
        let done = answer(&mut writing.transaction, key, turn, text).await?;
        writing.commit().await?;
        Ok(done)
    }

    async fn give_up_answer(&self, key: &AnswerKey, turn: u32) -> Result<()> {
        let mut writing = self.writing("give a request up").await?;
        let done = give_up(&mut writing.transaction, key, turn).await?;
        writing.commit().await?;
        Ok(done)
    }

    async fn forget_answers(&self, now: Timestamp) -> Result<u64> {
        let mut writing = self.writing_quickly("forget old answers").await?;
        let done = forget(&mut writing.transaction, now).await?;
        writing.commit().await?;
        Ok(done)
    }
}
