//! What a listing of caches tells beside their records, of all of a page at once.

use std::collections::BTreeMap;

use model::{AccountId, CacheId, Event};

use super::{Connection, dialect};
use crate::error::failed;
use crate::rows;
use crate::{Build, Result};

/// A row for each cache, since a page has hundreds of events: every value of every row is copied several times on its way. The
/// reasons are those of [`model::EventReason::is_of_a_layer`]; a test compares.
const EVENTS: &str = concat!(
    "SELECT subject, ",
    lists!("kind, reason, message, first, last, count", "last, number"),
    " AS events FROM events WHERE subject IN (SELECT id FROM caches WHERE account = $1 AND id ",
    among!(2),
    ") AND reason NOT IN ('LayerStarted', 'LayerCommitted', 'LayerReused') GROUP BY subject"
);

const BUILDS: &str = concat!(
    "SELECT * FROM builds WHERE state IN ('Queued', 'Running') AND cache ",
    among!(1),
    " ORDER BY id"
);

pub(super) async fn events(
    connection: &mut Connection,
    account: &AccountId,
    caches: &[CacheId],
) -> Result<BTreeMap<CacheId, Vec<Event>>> {
    let query = sqlx::query(EVENTS).bind(account.as_str()).bind(dialect::list(caches));
    let rows = query.fetch_all(connection).await.map_err(failed("read the events"))?;
    rows.iter().map(rows::events_of_cache).collect()
}

pub(super) async fn unfinished_builds(connection: &mut Connection, caches: &[CacheId]) -> Result<Vec<Build>> {
    let query = sqlx::query(BUILDS).bind(dialect::list(caches));
    let rows = query.fetch_all(connection).await.map_err(failed("find the caches' builds"))?;
    rows.iter().map(rows::build).collect()
}

#[cfg(test)]
mod tests {
    use model::EventReason;

    #[test]
    fn the_statement_names_the_reasons_of_layers() {
        for reason in EventReason::ALL {
            let is_named = super::EVENTS.contains(&format!("'{reason}'"));
            assert_eq!(is_named, reason.is_of_a_layer(), "{reason}");
        }
    }
}
