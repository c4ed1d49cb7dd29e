//! One verb, one transaction on one connection.

use std::future::Future;
use std::io;
use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Executor as _, PgConnection, Postgres};

use super::PostgresMetastore;
use super::sql::{self, Verb, Writing};
use crate::error::failed;
use crate::{Error, Result};

/// Said to the server, whatever it is set to.
const BEGIN_DURABLE: &str =
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit TO ON";
const BEGIN_QUICK: &str =
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit TO OFF";

/// A connection in the middle of something. Dropped there, it is closed: nobody knows what state it is in, and the server
/// undoes what was begun on it.
pub(super) struct Held(Option<PoolConnection<Postgres>>);

impl Held {
    pub(super) fn of(connection: PoolConnection<Postgres>) -> Self {
        Self(Some(connection))
    }

    /// Gives it back to the pool: nothing is begun on it.
    pub(super) fn release(mut self) {
        drop(self.0.take());
    }
}

impl Deref for Held {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.0.as_ref().expect("there until it is released")
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("there until it is released")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}

impl PostgresMetastore {
    /// Reads by one statement.
    pub(super) async fn read<T>(
        &self,
        action: &'static str,
        steps: impl AsyncFnOnce(&mut PgConnection) -> Result<T>,
    ) -> Result<T> {
        self.within(action, async {
            let mut connection = self.hold(action).await?;
            let outcome = steps(&mut connection).await;
            connection.release();
            outcome
        })
        .await
    }

    pub(super) async fn write<T>(
        &self,
        verb: Verb<'_>,
        steps: impl AsyncFnOnce(&mut Writing) -> Result<T>,
    ) -> Result<T> {
        self.write_if(verb, async |writing: &mut Writing| Ok((steps(writing).await?, true))).await
    }

    /// As [`write`](Self::write), for verbs that say whether anything changed: only then is anything written.
    pub(super) async fn write_if<T>(
        &self,
        verb: Verb<'_>,
        steps: impl AsyncFnOnce(&mut Writing) -> Result<(T, bool)>,
    ) -> Result<T> {
        self.within(verb.action, async {
            let mut writing = Writing::on(self.hold(verb.action).await?);
            let begin = if verb.is_durable { BEGIN_DURABLE } else { BEGIN_QUICK };
            writing.execute(begin).await.map_err(failed(verb.action))?;
            let outcome = match steps(&mut writing).await {
                Ok((answer, true)) => {
                    sql::publish(&mut writing, verb.events, verb.now).await.map(|()| (answer, "COMMIT"))
                }
                Ok((answer, false)) => Ok((answer, "ROLLBACK")),
                Err(error) => Err(error),
            };
            let (outcome, end) = match outcome {
                Ok((answer, end)) => (Ok(answer), end),
                Err(error) => (Err(error), "ROLLBACK"),
            };
            let ended = writing.execute(end).await;
            if ended.is_ok() {
                writing.into_held().release();
            }
            let answer = outcome?;
            ended.map_err(failed(verb.action))?;
            Ok(answer)
        })
        .await
    }

    async fn hold(&self, action: &'static str) -> Result<Held> {
        let acquired = self.pool.acquire().await;
        Ok(Held::of(acquired.map_err(|source| Error::NoConnection { action, source })?))
    }

    /// The server bounds its own part; this is for a network that swallows everything.
    async fn within<T>(&self, action: &'static str, verb: impl Future<Output = Result<T>>) -> Result<T> {
        let late = |_| failed(action)(sqlx::Error::Io(io::ErrorKind::TimedOut.into()));
        tokio::time::timeout(self.verb_timeout, verb).await.map_err(late)?
    }
}
