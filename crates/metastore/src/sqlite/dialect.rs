//! What SQLite says in its own way in statements that are the same else.

use std::fmt::Display;

use model::ImageSource;
use sqlx::Sqlite;
use sqlx::sqlite::SqliteArguments;

/// That something is among the texts of the list at that place.
macro_rules! among {
    ($place:literal) => {
        concat!("IN (SELECT value FROM json_each($", $place, "))")
    };
}

/// A list for `among!`.
pub(super) fn list<T: Display>(values: &[T]) -> String {
    crate::rows::to_json(&values.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// As [`list`], of texts of which some are missing.
pub(super) fn list_or_null(values: &[Option<&str>]) -> String {
    crate::rows::to_json(&values)
}

/// The `one` and the `other` of each place in the two lists at these places.
macro_rules! pairs {
    ($one:literal, $other:literal) => {
        concat!(
            "(SELECT a.value AS one, b.value AS other FROM json_each($",
            $one,
            ") AS a JOIN json_each($",
            $other,
            ") AS b ON b.key = a.key) AS own"
        )
    };
}

/// A list of lists of these columns as one text of JSON, in this order.
macro_rules! lists {
    ($columns:literal, $order:literal) => {
        concat!("json_group_array(json_array(", $columns, ") ORDER BY ", $order, ")")
    };
}

/// The bytes of all rows, one behind the other in this order; without those that are null. A cast between bytes and text changes
/// no byte, since the text of the file is UTF-8. Source: SQLite's "CAST expressions".
macro_rules! all_bytes {
    ($column:literal, $order:literal) => {
        concat!("CAST(string_agg(CAST(", $column, " AS TEXT), '' ORDER BY ", $order, ") AS BLOB)")
    };
}

/// Ends a question for a record that nobody else may change from now on: there is no other writer.
macro_rules! for_update {
    () => {
        ""
    };
}

/// Ends a question for a record that must stay from now on.
macro_rules! for_key_share {
    () => {
        ""
    };
}

/// The builds, where the running ones are looked for: along the index that has these alone. In the order of ids all builds would
/// be looked through.
macro_rules! running_builds {
    () => {
        "builds INDEXED BY running_builds"
    };
}

/// The caches that may make room, in the words of the index that has these alone.
macro_rules! evictable {
    () => {
        "caches INDEXED BY caches_by_use WHERE evictable = 1"
    };
}

/// The build of each account that has waited longest, going from account to account, not from build to build.
pub(super) const WAITING_BUILDS: &str = "WITH RECURSIVE accounts (account) AS ( \
     SELECT min(account) FROM builds WHERE state = 'Queued' \
     UNION ALL SELECT (SELECT min(account) FROM builds WHERE state = 'Queued' AND account > accounts.account) \
         FROM accounts WHERE account IS NOT NULL) \
     SELECT builds.id, builds.queued, \
         (SELECT count(*) FROM builds AS other WHERE other.state = 'Running' AND other.account = accounts.account) AS running \
     FROM accounts JOIN builds ON builds.id = (SELECT id FROM builds AS first \
         WHERE first.state = 'Queued' AND first.account = accounts.account ORDER BY first.queued, first.id LIMIT 1)";

pub(super) const APPEND_EVENT: &str = "INSERT INTO events (subject, kind, reason, first, last, count, message) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (subject, kind, reason, message) DO UPDATE SET \
     first = min(first, excluded.first), last = max(last, excluded.last), \
     count = min(count + excluded.count, 4294967295)";

type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

/// Binds what is last in [`APPEND_EVENT`].
pub(super) fn bind_message(query: Query, message: String) -> Query {
    query.bind(message)
}

/// What an image is found by.
pub(super) fn image_key(image: &ImageSource) -> String {
    image.to_string()
}
