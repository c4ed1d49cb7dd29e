//! One verb, one transaction on one connection.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::ops::{Deref, DerefMut};

use model::{AccountId, Event, ImageCache, Subject, Timestamp};
use sqlx::pool::PoolConnection;
use sqlx::{Executor as _, PgConnection, Postgres};

use super::PostgresMetastore;
use super::changes::{self, Touch};
use crate::Result;
use crate::error::failed;

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

/// What is known of a writing verb before it begins.
#[derive(Clone, Copy)]
pub(super) struct Verb<'a> {
    action: &'static str,
    begin: &'static str,
    events: &'a [Event],
    now: Option<Timestamp>,
}

impl<'a> Verb<'a> {
    /// One that a power loss does not undo.
    pub(super) fn durable(action: &'static str, events: &'a [Event], now: Option<Timestamp>) -> Self {
        Self { action, begin: BEGIN_DURABLE, events, now }
    }

    /// One that a power loss may undo.
    pub(super) fn quick(action: &'static str, events: &'a [Event], now: Option<Timestamp>) -> Self {
        Self { action, begin: BEGIN_QUICK, events, now }
    }
}

/// A writing verb, begun.
pub(super) struct Writing {
    connection: Held,
    /// The records that it has written so far.
    pub(super) touched: BTreeMap<Subject, Touch>,
    /// By how many the caches of a place became more or fewer. Written at the end, where verbs come one after the other: else
    /// each would wait for whoever has counted in the same place.
    pub(super) counts: BTreeMap<Place, i64>,
}

/// What caches are counted by: account, origin, state, and whether their deletion was asked for.
pub(super) type Place = (AccountId, &'static str, &'static str, bool);

impl Writing {
    /// Counts a cache once more where it is now, or once less.
    pub(super) fn count(&mut self, cache: &ImageCache, by: i64) {
        let place =
            (cache.account.clone(), cache.origin.as_str(), cache.state.as_str(), cache.deleting.is_some());
        *self.counts.entry(place).or_default() += by;
    }
}

impl Deref for Writing {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
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
            let mut writing = Writing {
                connection: self.hold(verb.action).await?,
                touched: BTreeMap::new(),
                counts: BTreeMap::new(),
            };
            writing.execute(verb.begin).await.map_err(failed(verb.action))?;
            let outcome = match steps(&mut writing).await {
                Ok((answer, true)) => {
                    changes::publish(&mut writing, verb.events, verb.now).await.map(|()| (answer, "COMMIT"))
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
                writing.connection.release();
            }
            let answer = outcome?;
            ended.map_err(failed(verb.action))?;
            Ok(answer)
        })
        .await
    }

    async fn hold(&self, action: &'static str) -> Result<Held> {
        Ok(Held::of(self.pool.acquire().await.map_err(failed(action))?))
    }

    /// The server bounds its own part; this is for a network that swallows everything.
    async fn within<T>(&self, action: &'static str, verb: impl Future<Output = Result<T>>) -> Result<T> {
        let late = |_| failed(action)(sqlx::Error::Io(io::ErrorKind::TimedOut.into()));
        tokio::time::timeout(self.verb_timeout, verb).await.map_err(late)?
    }
}
