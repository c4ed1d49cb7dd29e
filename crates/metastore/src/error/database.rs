//! What a database's own error means to the caller.

use sqlx::postgres::PgDatabaseError;

use super::ErrorKind;

pub(super) fn kind_of(source: &sqlx::Error) -> ErrorKind {
    if matches!(source, sqlx::Error::PoolTimedOut) {
        return ErrorKind::Busy;
    }
    let Some(error) = source.as_database_error() else { return ErrorKind::Io };
    match error.try_downcast_ref::<PgDatabaseError>() {
        Some(error) => kind_of_state(error.code()),
        None => error.code().and_then(|code| code.parse().ok()).map_or(ErrorKind::Io, kind_of_result),
    }
}

/// SQLite's result codes, from its manual "Result and Error Codes"; extended ones keep the primary one in the low byte.
fn kind_of_result(code: i32) -> ErrorKind {
    /// The index of the log could not grow: what a full disk looks like to whoever opens the records.
    const IOERR_SHMSIZE: i32 = 4874;
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const CORRUPT: i32 = 11;
    const FULL: i32 = 13;
    const NOT_A_DATABASE: i32 = 26;
    match (code, code & 0xff) {
        (IOERR_SHMSIZE, _) | (_, FULL) => ErrorKind::NoSpace,
        (_, BUSY | LOCKED) => ErrorKind::Busy,
        (_, CORRUPT | NOT_A_DATABASE) => ErrorKind::Corrupt,
        _ => ErrorKind::Io,
    }
}

/// PostgreSQL's states, from its manual "PostgreSQL Error Codes".
fn kind_of_state(state: &str) -> ErrorKind {
    match state {
        // serialization_failure, deadlock_detected, lock_not_available (lock_timeout), query_canceled (statement_timeout)
        "40001" | "40P01" | "55P03" | "57014" => ErrorKind::Busy,
        // too_many_connections, cannot_connect_now: it starts, stops or recovers
        "53300" | "57P03" => ErrorKind::Busy,
        "53100" => ErrorKind::NoSpace,
        // data_corrupted, index_corrupted
        "XX001" | "XX002" => ErrorKind::Corrupt,
        _ => ErrorKind::Io,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_states_have_their_kinds() {
        for (code, kind) in [
            (5, ErrorKind::Busy),
            (261, ErrorKind::Busy),
            (13, ErrorKind::NoSpace),
            (4874, ErrorKind::NoSpace),
            (11, ErrorKind::Corrupt),
            (10, ErrorKind::Io),
        ] {
            assert_eq!(kind_of_result(code), kind, "{code}");
        }
        for (state, kind) in [
            ("55P03", ErrorKind::Busy),
            ("53100", ErrorKind::NoSpace),
            ("XX001", ErrorKind::Corrupt),
            ("57P01", ErrorKind::Io),
        ] {
            assert_eq!(kind_of_state(state), kind, "{state}");
        }
    }
}
