//! Requests that are carried out once.

use model::Timestamp;

use super::{Connection, Writing, locks};
use crate::error::failed;
use crate::rows::{self, signed};
use crate::rules::{self, RememberedAnswer};
use crate::{AnswerKey, AnswerRequest, AnswerTurn, Result};

const KNOWN: &str = "SELECT * FROM answers WHERE account = $1 AND operation = $2 AND token = $3";
const PUT: &str = "INSERT INTO answers (account, operation, token, fingerprint, kept_until, subject, owner_pid, owner_start, owner_boot, turn, \
     beat, answered, answer) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
     ON CONFLICT (account, operation, token) DO UPDATE SET fingerprint = excluded.fingerprint, kept_until = excluded.kept_until, \
     subject = excluded.subject, owner_pid = excluded.owner_pid, owner_start = excluded.owner_start, \
     owner_boot = excluded.owner_boot, turn = excluded.turn, beat = excluded.beat, answered = excluded.answered, \
     answer = excluded.answer";
const BEAT: &str = "UPDATE answers SET beat = CASE WHEN beat < $1 THEN $1 ELSE beat END WHERE account = $2 AND operation = $3 AND token = $4 AND turn = $5 AND NOT answered";
const ANSWER: &str = "UPDATE answers SET answered = TRUE, answer = $1 WHERE account = $2 AND operation = $3 AND token = $4 AND turn = $5 AND NOT answered";
const GIVE_UP: &str =
    "DELETE FROM answers WHERE account = $1 AND operation = $2 AND token = $3 AND turn = $4 AND NOT answered";
const FORGET: &str = "DELETE FROM answers WHERE kept_until <= $1";

async fn known(connection: &mut Connection, key: &AnswerKey) -> Result<Option<RememberedAnswer>> {
    let row = sqlx::query(KNOWN)
        .bind(key.account.as_str())
        .bind(key.operation)
        .bind(key.token.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed("look for the answer"))?;
    row.as_ref().map(rows::answer).transpose()
}

async fn put(connection: &mut Connection, key: &AnswerKey, remembered: &RememberedAnswer) -> Result<()> {
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

pub(super) async fn begin(
    writing: &mut Writing,
    request: &AnswerRequest,
    lost: Option<u32>,
    now: Timestamp,
) -> Result<AnswerTurn> {
    locks::account(writing, &request.key.account).await?;
    let known = known(writing, &request.key).await?;
    let (turn, remembered) = rules::begin_answer(known, request, lost, now)?;
    if let Some(remembered) = remembered {
        put(writing, &request.key, &remembered).await?;
    }
    Ok(turn)
}

pub(super) async fn beat(
    connection: &mut Connection,
    key: &AnswerKey,
    turn: u32,
    now: Timestamp,
) -> Result<bool> {
    let query = sqlx::query(BEAT).bind(now.as_micros());
    let query = query.bind(key.account.as_str()).bind(key.operation).bind(key.token.as_str());
    let done = query.bind(i64::from(turn)).execute(connection).await;
    Ok(done.map_err(failed("note a sign of life"))?.rows_affected() > 0)
}

pub(super) async fn answer(
    connection: &mut Connection,
    key: &AnswerKey,
    turn: u32,
    text: &[u8],
) -> Result<bool> {
    let query = sqlx::query(ANSWER).bind(text);
    let query = query.bind(key.account.as_str()).bind(key.operation).bind(key.token.as_str());
    let done = query.bind(i64::from(turn)).execute(connection).await;
    Ok(done.map_err(failed("remember the answer"))?.rows_affected() > 0)
}

pub(super) async fn give_up(connection: &mut Connection, key: &AnswerKey, turn: u32) -> Result<()> {
    let query = sqlx::query(GIVE_UP).bind(key.account.as_str()).bind(key.operation);
    let done = query.bind(key.token.as_str()).bind(i64::from(turn)).execute(connection).await;
    done.map(drop).map_err(failed("give a request up"))
}

pub(super) async fn forget(connection: &mut Connection, now: Timestamp) -> Result<u64> {
    let done = sqlx::query(FORGET).bind(now.as_micros()).execute(connection).await;
    Ok(done.map_err(failed("forget old answers"))?.rows_affected())
}
