//! Rules that no value breaks by itself.

use crate::database::Database;
use crate::groups::Settings;
use crate::load::Entry;
use crate::origin::Origin;
use crate::refusal::Refusal;

/// A rule over two settings: their keys, whether it is broken, and what it says.
type Rule = (&'static str, &'static str, fn(&Settings) -> bool, &'static str);

const RULES: &[Rule] = &[
    (
        "server.tls_cert_file",
        "server.tls_key_file",
        |s| s.server.tls_cert_file.is_some() != s.server.tls_key_file.is_some(),
        "a certificate and its key must be set together",
    ),
    (
        "server.header_timeout_seconds",
        "server.request_timeout_seconds",
        |s| s.server.header_timeout > s.server.request_timeout,
        "the head of a request may not take longer than the whole",
    ),
    (
        "database.password_file",
        "database.url",
        |s| match (&s.database_password_file, &s.database) {
            (None, _) => false,
            (Some(_), Database::Sqlite) => true,
            (Some(_), Database::Postgres(url)) => url.has_password(),
        },
        "the file must go with the address of a PostgreSQL server that holds no password",
    ),
    (
        "builds.default_size_gib",
        "builds.max_size_gib",
        |s| s.builds.default_size > s.builds.max_size,
        "the default must not be over the largest",
    ),
    (
        "staleness.refresh_min_seconds",
        "staleness.refresh_default_seconds",
        |s| s.staleness.refresh_min > s.staleness.refresh_default,
        "the default must not be below the shortest",
    ),
    (
        "staleness.refresh_default_seconds",
        "staleness.refresh_max_seconds",
        |s| s.staleness.refresh_default > s.staleness.refresh_max,
        "the default must not be over the longest",
    ),
    (
        "secrets.key_file",
        "secrets.key",
        |s| s.secrets.key_file.is_some() && s.secrets.key.is_some(),
        "the keys must come from one of the two",
    ),
];

/// The rules that are broken.
pub(crate) fn clashes(settings: &Settings, entries: &[Entry]) -> Vec<Refusal> {
    let origin = |key| {
        let entry = entries.iter().find(|entry| entry.key == key);
        entry.map_or(Origin::Default, |entry| entry.origin.clone())
    };
    let clash = |(key, other, _, rule): &Rule| Refusal::Clash {
        key,
        origin: origin(*key),
        other,
        other_origin: origin(*other),
        rule,
    };
    RULES.iter().filter(|(_, _, is_broken, _)| is_broken(settings)).map(clash).collect()
}
