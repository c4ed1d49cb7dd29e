-- Container groups: what is wished, how far they are, and, sealed, what only their containers may read.

CREATE TABLE groups (
    id       TEXT COLLATE "C" PRIMARY KEY,
    account  TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    spec     TEXT NOT NULL, -- JSON
    status   TEXT NOT NULL, -- JSON
    snapshot TEXT COLLATE "C" REFERENCES snapshots (id), -- null: not chosen yet
    ended    BOOLEAN NOT NULL,
    revision BIGINT NOT NULL,
    created  BIGINT NOT NULL,
    updated  BIGINT NOT NULL,
    notes    TEXT -- JSON; null: no cloud's call asked for it
);
CREATE INDEX groups_by_account ON groups (account, id);
CREATE INDEX groups_by_snapshot ON groups (snapshot);

CREATE TABLE group_secrets (
    in_group TEXT COLLATE "C" NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    part     BIGINT NOT NULL,
    sealed   BYTEA NOT NULL,
    PRIMARY KEY (in_group, part)
);

ALTER TABLE instances ADD COLUMN in_group TEXT COLLATE "C"; -- null: of none
-- A cloud's words are kept with the group that an instance is of.
ALTER TABLE instances DROP COLUMN notes;
CREATE INDEX instances_by_group ON instances (in_group) WHERE in_group IS NOT NULL;
