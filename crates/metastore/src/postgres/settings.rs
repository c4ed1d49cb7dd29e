//! How a PostgreSQL server is used.

/// How a PostgreSQL server is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresSettings {
    /// The most connections of this process at once. What is beyond them waits.
    pub connections: u32,
    /// How long a verb waits for a connection, in seconds, before it says `Busy`; also for the server to answer at all.
    pub connect_timeout_seconds: u32,
    /// How long a verb waits for a row that another process has locked, in seconds, before it says `Busy`.
    pub lock_timeout_seconds: u32,
    /// How long one statement may take, in seconds.
    pub statement_timeout_seconds: u32,
    /// How long a whole verb may take, in seconds, whatever became of the network meanwhile.
    pub verb_timeout_seconds: u32,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self {
            connections: 16,
            connect_timeout_seconds: 10,
            lock_timeout_seconds: 10,
            statement_timeout_seconds: 20,
            verb_timeout_seconds: 60,
        }
    }
}
