//! What PostgreSQL says in its own way in statements that are the same else.

use std::fmt::Display;

use model::{Digest, ImageSource};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;

/// That something is among the texts of the list at that place.
macro_rules! among {
    ($place:literal) => {
        concat!("= ANY($", $place, ")")
    };
}

/// A list for `among!`.
pub(super) fn list<T: Display>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

/// As [`list`], of texts of which some are missing.
pub(super) fn list_or_null<'a>(values: &[Option<&'a str>]) -> Vec<Option<&'a str>> {
    values.to_vec()
}

/// The `one` and the `other` of each place in the two lists at these places.
macro_rules! pairs {
    ($one:literal, $other:literal) => {
        concat!("unnest($", $one, "::text[], $", $other, "::text[]) AS own (one, other)")
    };
}

/// A list of lists of these columns as one text of JSON, in this order.
macro_rules! lists {
    ($columns:literal, $order:literal) => {
        concat!("json_agg(json_build_array(", $columns, ") ORDER BY ", $order, ")::text")
    };
}

/// The bytes of all rows, one behind the other in this order; without those that are null.
macro_rules! all_bytes {
    ($column:literal, $order:literal) => {
        concat!("string_agg(", $column, ", ''::bytea ORDER BY ", $order, ")")
    };
}

/// Ends a question for a record that nobody else may change from now on.
macro_rules! for_update {
    () => {
        " FOR UPDATE"
    };
}

/// Ends a question for a record that must stay from now on.
macro_rules! for_key_share {
    () => {
        " FOR KEY SHARE"
    };
}

/// The builds, where the running ones are looked for.
macro_rules! running_builds {
    () => {
        "builds"
    };
}

/// The caches that may make room.
macro_rules! evictable {
    () => {
        "caches WHERE evictable"
    };
}

/// The build of each account that has waited longest, going from account to account, not from build to build.
pub(super) const WAITING_BUILDS: &str = "WITH RECURSIVE accounts (account) AS ( \
     SELECT min(account) FROM builds WHERE state = 'Queued' \
     UNION ALL SELECT (SELECT min(account) FROM builds WHERE state = 'Queued' AND account > accounts.account) \
         FROM accounts WHERE account IS NOT NULL) \
     SELECT first.id, first.queued, \
         (SELECT count(*) FROM builds other WHERE other.state = 'Running' AND other.account = accounts.account) AS running \
     FROM accounts CROSS JOIN LATERAL (SELECT id, queued FROM builds \
         WHERE state = 'Queued' AND builds.account = accounts.account ORDER BY queued, id LIMIT 1) first";

/// An index holds no text as long as a message: its digest is there beside it.
pub(super) const APPEND_EVENT: &str = "INSERT INTO events (subject, kind, reason, first, last, count, message, digest) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (subject, kind, reason, digest) DO UPDATE SET \
     first = least(events.first, excluded.first), last = greatest(events.last, excluded.last), \
     count = least(events.count + excluded.count, 4294967295)";

type Query = sqlx::query::Query<'static, Postgres, PgArguments>;

/// Binds what is last in [`APPEND_EVENT`].
pub(super) fn bind_message(query: Query, message: String) -> Query {
    let digest = Digest::sha256(message.as_bytes()).to_string();
    query.bind(message).bind(digest)
}

/// What an image is found by: its text may be too long for an index.
pub(super) fn image_key(image: &ImageSource) -> String {
    Digest::sha256(image.to_string().as_bytes()).hex()
}
