//! One server for one data directory with records in SQLite; with PostgreSQL several share a directory.

use rustix::fs::FlockOperation;
use settings::{Database, Settings};

use crate::exit::Failure;
use crate::file_lock::FileLock;

/// The file in the data directory.
const FILE: &str = "serve.lock";

/// Held while a server lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: FileLock,
}

impl Lock {
    pub(super) fn take(settings: &Settings) -> Result<Self, Failure> {
        let path = settings.data_dir.join(FILE);
        let (operation, sharers) = match settings.database {
            Database::Sqlite => (FlockOperation::NonBlockingLockExclusive, "another `imc serve`"),
            Database::Postgres(_) => {
                (FlockOperation::NonBlockingLockShared, "an `imc serve` with records in SQLite")
            }
        };
        let taken = FileLock::take(&path, operation)
            .map_err(|error| Failure::system(format_args!("take the lock {}", path.display()), &error))?;
        taken.map(|file| Self { _file: file }).ok_or_else(|| {
            let data_dir = settings.data_dir.display();
            let message = format!("failed to serve the data directory {data_dir}: {sharers} has it");
            let advice = "stop that one first, or serve another directory; with records in PostgreSQL \
                          (database.url) several servers share one";
            Failure::busy(message, advice)
        })
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
