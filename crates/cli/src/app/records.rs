//! The records: a SQLite file in the data directory, or a PostgreSQL server.

use std::path::Path;
use std::sync::Arc;

use blobstore::DirectoryStore;
use metastore::{Metastore, PostgresMetastore, PostgresSettings, PostgresUrl, SqliteMetastore};
use secrecy::{ExposeSecret as _, SecretString};
use settings::{Database, Settings};

use crate::exit::{Failure, opening};

/// The records' file in the data directory.
const FILE: &str = "imc.db";
/// What to do where a PostgreSQL server is not as it should be.
const ADVICE: &str =
    "check database.url and database.password_file, and that the server runs and lets the role in";

/// What to do where the records are about another store.
const STORE_ADVICE: &str = "give this data directory a database of its own, or, for servers that share a database, set data_dir to the directory that they share";

/// Opens them, and brings them up to date.
pub(super) async fn open(settings: &Settings, data_dir: &Path) -> Result<Arc<dyn Metastore>, Failure> {
    match &settings.database {
        Database::Sqlite => {
            let records = SqliteMetastore::open(&data_dir.join(FILE)).await;
            Ok(Arc::new(records.map_err(|error| opening(data_dir, &error))?))
        }
        Database::Postgres(url) => {
            let whole = match &settings.database_password_file {
                Some(file) => with_password(url.secret(), file)?,
                None => url.secret().clone(),
            };
            let failed = |error: &(dyn std::error::Error + 'static)| {
                let message =
                    format!("failed to open the records at {}: {}", url.shown(), engine::chain(error));
                Failure::configuration(message, ADVICE)
            };
            let parsed: Result<PostgresUrl, _> = whole.expose_secret().parse();
            let parsed = parsed.map_err(|error| failed(&error))?;
            let records = PostgresMetastore::connect(&parsed, PostgresSettings::default()).await;
            // It says by itself which records, without the password.
            Ok(Arc::new(records.map_err(|error| Failure::configuration(engine::chain(&error), ADVICE))?))
        }
    }
}

/// Refuses records of another store: whatever they name would be missing in this one, and would be given up for lost.
pub(super) async fn check_store(
    settings: &Settings,
    records: &dyn Metastore,
    store: &DirectoryStore,
) -> Result<(), Failure> {
    let bound = records.bind_store(store.id()).await.map_err(|error| opening(store.root(), &error))?;
    if bound == store.id() {
        return Ok(());
    }
    let records = match &settings.database {
        Database::Sqlite => store.root().join(FILE).display().to_string(),
        Database::Postgres(url) => url.shown().to_string(),
    };
    let (dir, own) = (store.root().display(), store.id());
    let message = format!(
        "failed to open the records at {records}: they are about the store {bound}, and the data directory {dir} is another one, {own}"
    );
    Err(Failure::configuration(message, STORE_ADVICE))
}

/// The address with the password that is the first line of the file. It stays out of every message.
fn with_password(url: &SecretString, file: &Path) -> Result<SecretString, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let message = format!("failed to read the database's password in {}: {error}", file.display());
        Failure::configuration(message, "check database.password_file and its permissions")
    })?;
    let password = text.lines().next().unwrap_or_default();
    let mut url: url::Url = url.expose_secret().parse().map_err(|_| {
        Failure::configuration("failed to read the address of the database".to_owned(), ADVICE)
    })?;
    // As a parameter: an address by a socket's directory has no host that a password could stand before.
    url.query_pairs_mut().append_pair("password", password);
    Ok(String::from(url).into())
}
