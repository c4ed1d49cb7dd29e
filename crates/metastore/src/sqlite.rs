//! The records in a SQLite file.
//!
//! Any number of processes may have it open: SQLite locks it among them, writers wait for each other up to
//! [`BUSY_TIMEOUT`], and every writing verb is an immediate transaction, so none fails in its middle because another
//! wrote meanwhile. The journal is a write-ahead log. What a verb promises to keep over a power loss is written with
//! `synchronous = FULL`, which syncs the log at each commit; the rest with `NORMAL`, which leaves that to the next one.

mod access_keys;
mod builds;
#[cfg(feature = "test-suite")]
mod bulk;
mod caches;
mod changes;
mod credentials;
mod events;
mod find;
mod groups;
mod instances;
mod layers;
mod life;
mod page;
mod quota;
mod requests;
mod schema;
mod snapshots;
mod tokens;
mod verbs;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::{Event, Timestamp};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use self::changes::Touched;
use crate::error::failed;
use crate::{Error, ErrorKind, Result};

/// How long a verb waits for other processes before it says `Busy`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// Between two tries to open the file while another process has it alone.
const OPEN_PAUSE: Duration = Duration::from_millis(5);

/// The most connections for reading, and for writing what need not be durable at once.
const QUICK_CONNECTIONS: u32 = 4;

/// Rows that wait for who reads them.
const ROWS: usize = 512;

/// The records in a SQLite file.
#[derive(Debug)]
pub struct SqliteMetastore {
    durable: SqlitePool,
    quick: SqlitePool,
    /// Writers of this process queue here, in order: SQLite would have them poll.
    writer: Mutex<()>,
}

/// A writing transaction and its place in the queue.
struct Writing<'a> {
    transaction: Transaction<'static, Sqlite>,
    action: &'static str,
    _turn: MutexGuard<'a, ()>,
}

impl Writing<'_> {
    /// Writes the verb's events, leaves its changes, and commits. Without a time of the verb's own, they say when.
    async fn conclude(
        mut self,
        touched: Option<Touched>,
        news: &[Event],
        now: Option<Timestamp>,
    ) -> Result<()> {
        events::append(&mut self.transaction, news).await?;
        changes::note(&mut self.transaction, touched, news, now).await?;
        self.commit().await
    }

    async fn commit(self) -> Result<()> {
        self.transaction.commit().await.map_err(failed(self.action))
    }
}

impl SqliteMetastore {
    /// Opens the records in this file, makes them where there are none, and brings their schema up to date.
    ///
    /// # Errors
    /// [`Error::Version`] where a newer imc made them (they stay as they are); [`Error::Open`], kind `Corrupt`, where
    /// the file is no database.
    pub async fn open(path: &Path) -> Result<Self> {
        create_private(path).map_err(|source| Error::Open {
            records: path.display().to_string(),
            source: sqlx::Error::Io(source),
        })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            // Listings are read whole: who reads is woken once for many rows.
            .row_buffer_size(ROWS)
            .journal_mode(SqliteJournalMode::Wal);
        let durable = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options.clone().synchronous(SqliteSynchronous::Full));
        let quick = SqlitePoolOptions::new()
            .max_connections(QUICK_CONNECTIONS)
            // One stays open as long as the store is, so that opening others never meets one that closes the file.
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options.synchronous(SqliteSynchronous::Normal));
        let store = Self { durable, quick, writer: Mutex::new(()) };
        let begun = Instant::now();
        loop {
            match store.prepare(path.to_owned()).await {
                // Who closes the file last, and who opens it first, has it alone for a moment, and SQLite lets nobody wait
                // for that. While we have it open there is no such moment.
                Err(error) if error.kind() == ErrorKind::Busy && begun.elapsed() < BUSY_TIMEOUT => {
                    tokio::time::sleep(OPEN_PAUSE).await;
                }
                prepared => return prepared.map(|()| store),
            }
        }
    }

    async fn prepare(&self, path: PathBuf) -> Result<()> {
        // Whatever the version is, a durable connection may write it; an up-to-date one is only looked at.
        let opened = self.quick.acquire().await;
        let mut connection =
            opened.map_err(|source| Error::Open { records: path.display().to_string(), source })?;
        schema::migrate(&mut connection, &path).await
    }

    /// Closes the file. Dropping does too, but does not wait for it.
    pub async fn close(&self) {
        self.durable.close().await;
        self.quick.close().await;
    }

    async fn reading(&self, action: &'static str) -> Result<PoolConnection<Sqlite>> {
        self.quick.acquire().await.map_err(failed(action))
    }

    async fn writing(&self, action: &'static str) -> Result<Writing<'_>> {
        self.begin(&self.durable, action).await
    }

    async fn writing_quickly(&self, action: &'static str) -> Result<Writing<'_>> {
        self.begin(&self.quick, action).await
    }

    async fn begin(&self, pool: &SqlitePool, action: &'static str) -> Result<Writing<'_>> {
        let turn = self.writer.lock().await;
        let transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed(action))?;
        Ok(Writing { transaction, action, _turn: turn })
    }
}

/// Makes the file readable for its owner alone; SQLite gives its log the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}
