-- Columns are SQLite's 64-bit INTEGER. Times are microseconds since 1970-01-01T00:00:00Z, sizes are bytes, ids and digests are their text.

CREATE TABLE snapshots (
    id      TEXT PRIMARY KEY NOT NULL,
    created INTEGER NOT NULL,
    size    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE caches (
    id              TEXT PRIMARY KEY NOT NULL,
    name            TEXT NOT NULL,
    state           TEXT NOT NULL,
    images          TEXT NOT NULL, -- JSON
    platform        TEXT NOT NULL, -- JSON
    size_limit      INTEGER NOT NULL,
    snapshot        TEXT REFERENCES snapshots (id),
    unpacked_size   INTEGER,
    failure_reason  TEXT,
    failure_message TEXT,
    created         INTEGER NOT NULL,
    updated         INTEGER NOT NULL,
    last_used       INTEGER
) STRICT;
CREATE INDEX caches_by_name ON caches (name, created);
CREATE INDEX caches_by_snapshot ON caches (snapshot);

CREATE TABLE builds (
    id              TEXT PRIMARY KEY NOT NULL,
    cache           TEXT NOT NULL REFERENCES caches (id) ON DELETE CASCADE,
    snapshot        TEXT NOT NULL, -- what it will commit: not in `snapshots` before it has
    state           TEXT NOT NULL,
    owner_pid       INTEGER NOT NULL,
    owner_start     INTEGER NOT NULL,
    owner_boot      TEXT NOT NULL,
    attempts        INTEGER NOT NULL,
    started         INTEGER NOT NULL,
    finished        INTEGER,
    failure_reason  TEXT,
    failure_message TEXT
) STRICT;
CREATE INDEX builds_by_cache ON builds (cache);
CREATE UNIQUE INDEX running_build_of_cache ON builds (cache) WHERE state = 'Running';

CREATE TABLE layers (
    blob            TEXT PRIMARY KEY NOT NULL,
    diff_id         TEXT NOT NULL,
    compressed_size INTEGER NOT NULL,
    tar_size        INTEGER NOT NULL,
    blob_size       INTEGER NOT NULL,
    recorded        INTEGER NOT NULL
) STRICT;
CREATE INDEX layers_by_diff_id ON layers (diff_id);

CREATE TABLE instances (
    id              TEXT PRIMARY KEY NOT NULL,
    name            TEXT NOT NULL UNIQUE,
    image           TEXT NOT NULL,
    manifest_digest TEXT NOT NULL,
    snapshot        TEXT NOT NULL REFERENCES snapshots (id),
    cache           TEXT, -- may be deleted before the instance
    command         TEXT NOT NULL, -- JSON
    state           TEXT NOT NULL, -- JSON
    ended           INTEGER NOT NULL,
    pid             INTEGER,
    remove_on_exit  INTEGER NOT NULL,
    created         INTEGER NOT NULL,
    started         INTEGER,
    finished        INTEGER
) STRICT;
CREATE INDEX instances_by_snapshot ON instances (snapshot);

CREATE TABLE events (
    number  INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    kind    TEXT NOT NULL,
    reason  TEXT NOT NULL,
    message TEXT NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    UNIQUE (subject, kind, reason, message)
) STRICT;
CREATE INDEX events_by_time ON events (subject, last);
