-- Container groups: what is wished, how far they are, and, sealed, what only their containers may read.

CREATE TABLE groups (
    id       TEXT PRIMARY KEY NOT NULL,
    account  TEXT NOT NULL,
    name     TEXT NOT NULL,
    spec     TEXT NOT NULL, -- JSON
    status   TEXT NOT NULL, -- JSON
    snapshot TEXT REFERENCES snapshots (id), -- null: not chosen yet
    ended    INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    updated  INTEGER NOT NULL,
    notes    TEXT -- JSON; null: no cloud's call asked for it
) STRICT;
CREATE INDEX groups_by_account ON groups (account, id);
CREATE INDEX groups_by_snapshot ON groups (snapshot);

CREATE TABLE group_secrets (
    in_group TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    part     INTEGER NOT NULL,
    sealed   BLOB NOT NULL,
    PRIMARY KEY (in_group, part)
) STRICT, WITHOUT ROWID;

ALTER TABLE instances ADD COLUMN in_group TEXT; -- null: of none
-- A cloud's words are kept with the group that an instance is of.
ALTER TABLE instances DROP COLUMN notes;
CREATE INDEX instances_by_group ON instances (in_group) WHERE in_group IS NOT NULL;
