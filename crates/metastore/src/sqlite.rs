//! The records in a SQLite file.
//!
//! Any number of processes may have it open: SQLite locks it among them, writers wait for each other up to
//! [`BUSY_TIMEOUT`], and every writing verb is an immediate transaction, so none fails in its middle because another
//! wrote meanwhile. The journal is a write-ahead log. What a verb promises to keep over a power loss is written with
//! `synchronous = FULL`, which syncs the log at each commit; the rest with `NORMAL`, which leaves that to the next one.

#[macro_use]
mod dialect;

mod find;
mod locks;
mod schema;
#[allow(clippy::duplicate_mod, reason = "compiled once inside each backend: what a connection is differs")]
#[path = "sql/shared.rs"]
mod sql;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::Mutex;
use tokio::time::Instant;

use self::sql::{Verb, Writing};
use crate::error::failed;
use crate::{Error, ErrorKind, Result};

// Under these names the files of `sql` know what they are compiled for.
type Connection = SqliteConnection;
type Database = Sqlite;
type Held = Transaction<'static, Sqlite>;
type Store = SqliteMetastore;

/// How long a verb waits for other processes before it says `Busy`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// Between two tries to open the file while another process has it alone.
const OPEN_PAUSE: Duration = Duration::from_millis(5);

/// The most connections for reading, and for writing what need not be durable at once.
const QUICK_CONNECTIONS: u32 = 4;

/// Rows that wait for who reads them.
const ROWS: usize = 512;

/// Pages of the file that each connection keeps for itself, in KiB: what a listing needs. The others are in the page cache of the
/// system, once for all connections.
const CACHE_KIB: u32 = 1024;

/// The records in a SQLite file.
#[derive(Debug)]
pub struct SqliteMetastore {
    durable: SqlitePool,
    quick: SqlitePool,
    /// Writers of this process queue here, in order: SQLite would have them poll.
    writer: Mutex<()>,
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
            // Below zero it is no count of pages.
            .pragma("cache_size", format!("-{CACHE_KIB}"))
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

    async fn read<T>(
        &self,
        action: &'static str,
        steps: impl AsyncFnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        let mut connection = self.quick.acquire().await.map_err(failed(action))?;
        steps(&mut connection).await
    }

    async fn write<T>(
        &self,
        verb: Verb<'_>,
        steps: impl AsyncFnOnce(&mut Writing) -> Result<T>,
    ) -> Result<T> {
        self.write_if(verb, async |writing: &mut Writing| Ok((steps(writing).await?, true))).await
    }

    /// As [`write`](Self::write), for verbs that say whether anything changed: only then is anything written.
    async fn write_if<T>(
        &self,
        verb: Verb<'_>,
        steps: impl AsyncFnOnce(&mut Writing) -> Result<(T, bool)>,
    ) -> Result<T> {
        let pool = if verb.is_durable { &self.durable } else { &self.quick };
        let _turn = self.writer.lock().await;
        let begun = pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed(verb.action))?;
        let mut writing = Writing::on(begun);
        // Dropped before it is committed, it is undone.
        let (answer, is_news) = steps(&mut writing).await?;
        if is_news {
            sql::publish(&mut writing, verb.events, verb.now).await?;
            writing.into_held().commit().await.map_err(failed(verb.action))?;
        }
        Ok(answer)
    }
}

/// Makes the file readable for its owner alone; SQLite gives its log the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}
