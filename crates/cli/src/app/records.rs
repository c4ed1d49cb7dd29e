//! The records: a SQLite file in the data directory, or a PostgreSQL server.

use std::path::Path;
use std::sync::Arc;

use metastore::{Metastore, SqliteMetastore};
use settings::{Database, Settings};

use crate::exit::{Failure, opening};

/// The records' file in the data directory.
const FILE: &str = "imc.db";

/// Opens them, and brings them up to date.
pub(super) async fn open(settings: &Settings, data_dir: &Path) -> Result<Arc<dyn Metastore>, Failure> {
    match &settings.database {
        Database::Sqlite => {
            let records = SqliteMetastore::open(&data_dir.join(FILE)).await;
            Ok(Arc::new(records.map_err(|error| opening(data_dir, &error))?))
        }
        Database::Postgres(url) => Err(Failure::configuration(
            format!("failed to open the records at {}: this imc keeps them in SQLite alone", url.shown()),
            "set database.url to `sqlite`",
        )),
    }
}
