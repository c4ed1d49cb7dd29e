//! The records in PostgreSQL, for any number of servers at once.
//!
//! Every verb is one transaction at `READ COMMITTED`. A writing verb first locks what it decides upon, always in the same order,
//! so that none waits for another that waits for it:
//!
//! 1. the choice of the next build, or the account (advisory locks: [`locks`]),
//! 2. the cache, whose row's lock stands for its builds, generations and credentials too,
//! 3. the instance,
//! 4. the snapshots, by id,
//! 5. the end of the changes (an advisory lock), just before events and changes are written and the verb ends.
//!
//! By the last one verbs commit in the order of their changes' numbers: who reads changes never misses one that comes later with
//! a smaller number.
//!
//! What a verb promises to keep over a power loss is committed with `synchronous_commit`, the rest without.

mod access_keys;
mod builds;
mod caches;
mod changes;
mod connection;
mod credentials;
mod events;
mod find;
mod groups;
mod instances;
mod layers;
mod life;
mod locks;
mod quota;
mod requests;
mod schema;
mod settings;
mod snapshots;
mod tokens;
mod url;
mod verbs;

use std::io;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};

use self::connection::{Verb, Writing};
use crate::{Error, Result};

pub use self::settings::PostgresSettings;
pub use self::url::{PostgresUrl, PostgresUrlError};

/// What the server's list of connections shows of us.
const APPLICATION: &str = "imc";

/// A transaction that its client forgot holds locks that everybody needs.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(60);

/// The records in a PostgreSQL database.
pub struct PostgresMetastore {
    pool: PgPool,
    url: PostgresUrl,
    verb_timeout: Duration,
}

impl std::fmt::Debug for PostgresMetastore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresMetastore").field("url", &self.url).finish_non_exhaustive()
    }
}

impl PostgresMetastore {
    /// Connects to the database, makes the records' tables where there are none, and brings them up to date. The tables are
    /// made in the first schema of the role's search path.
    ///
    /// # Errors
    /// [`Error::Version`] where a newer imc made them (they stay as they are); [`Error::Open`] where the server cannot be
    /// reached, refuses the role, or does not let it make tables.
    pub async fn connect(url: &PostgresUrl, settings: PostgresSettings) -> Result<Self> {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let milliseconds = |time: Duration| time.as_millis().to_string();
        let options = url.options().application_name(APPLICATION).options([
            ("lock_timeout", milliseconds(seconds(settings.lock_timeout_seconds))),
            ("statement_timeout", milliseconds(seconds(settings.statement_timeout_seconds))),
            ("idle_in_transaction_session_timeout", milliseconds(IDLE_IN_TRANSACTION)),
        ]);
        let connect_timeout = seconds(settings.connect_timeout_seconds);
        prepare(url, &options, connect_timeout).await?;
        let pool = PgPoolOptions::new()
            .max_connections(settings.connections.max(1))
            .acquire_timeout(connect_timeout)
            .connect_lazy_with(options);
        Ok(Self { pool, url: url.clone(), verb_timeout: seconds(settings.verb_timeout_seconds) })
    }

    /// Closes all connections. Dropping does too, but does not wait for it.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Not by the pool, which would try for a while and then only say that it was too long.
async fn prepare(url: &PostgresUrl, options: &PgConnectOptions, timeout: Duration) -> Result<()> {
    let failed = |source| Error::Open { records: url.to_string(), source };
    let late = |_| failed(sqlx::Error::Io(io::ErrorKind::TimedOut.into()));
    let connecting = tokio::time::timeout(timeout, PgConnection::connect_with(options)).await;
    let mut connection = connecting.map_err(late)?.map_err(failed)?;
    schema::migrate(&mut connection, url).await?;
    connection.close().await.map_err(failed)
}
