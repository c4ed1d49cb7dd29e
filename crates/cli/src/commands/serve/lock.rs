//! One server for one data directory with records in SQLite; with PostgreSQL several share a directory.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use settings::{Database, Settings};

use crate::exit::Failure;

/// The file in the data directory. It stays: what counts is whether a process holds it.
const FILE: &str = "serve.lock";

/// Held while a server lives, and released by the kernel however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(settings: &Settings) -> Result<Self, Failure> {
        let path = settings.data_dir.join(FILE);
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = opened
            .map_err(|error| Failure::system(format_args!("open the lock {}", path.display()), &error))?;
        let (operation, sharers) = match settings.database {
            Database::Sqlite => (FlockOperation::NonBlockingLockExclusive, "another `imc serve`"),
            Database::Postgres(_) => {
                (FlockOperation::NonBlockingLockShared, "an `imc serve` with records in SQLite")
            }
        };
        match flock(&file, operation) {
            Ok(()) => Ok(Self { _file: file }),
            Err(Errno::WOULDBLOCK) => {
                let data_dir = settings.data_dir.display();
                let message = format!("failed to serve the data directory {data_dir}: {sharers} has it");
                let advice = "stop that one first, or serve another directory; with records in PostgreSQL \
                              (database.url) several servers share one";
                Err(Failure::busy(message, advice))
            }
            Err(error) => {
                Err(Failure::system(format_args!("take the lock {}", path.display()), &error.into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(dir: &std::path::Path, database: Database) -> Settings {
        Settings { data_dir: dir.to_owned(), database, ..Settings::default() }
    }

    #[test]
    fn with_sqlite_one_server_has_the_directory_and_with_postgresql_several() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = || settings(folder.path(), Database::Sqlite);
        let postgres = || settings(folder.path(), "postgres://imc@localhost/imc".parse().unwrap());
        let first = Lock::take(&sqlite()).unwrap();
        let refused = Lock::take(&sqlite()).unwrap_err();
        assert!(refused.message.contains("another `imc serve`"), "{refused:?}");
        assert!(Lock::take(&postgres()).is_err());
        drop(first);
        let _one = Lock::take(&postgres()).unwrap();
        let _other = Lock::take(&postgres()).unwrap();
        assert!(Lock::take(&sqlite()).is_err());
    }
}
