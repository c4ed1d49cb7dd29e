-- What the clouds' interfaces add: notes of their calls, accounts, and the access keys that sign.

ALTER TABLE caches    ADD COLUMN notes TEXT; -- JSON; null: no cloud's call asked for it
ALTER TABLE instances ADD COLUMN notes TEXT; -- JSON; null: no cloud's call asked for it

-- Words of the notes of a cache, to find it by them.
CREATE TABLE cache_labels (
    cache TEXT NOT NULL REFERENCES caches (id) ON DELETE CASCADE,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (cache, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id      TEXT PRIMARY KEY NOT NULL,
    label   TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- That of whoever acts on this machine, and whoever has anything already.
INSERT INTO accounts (id, label, created) VALUES ('local', '', 0);
INSERT OR IGNORE INTO accounts (id, label, created)
SELECT account, '', min(created) FROM (
    SELECT account, created FROM caches UNION ALL SELECT account, created FROM instances UNION ALL SELECT account, created FROM tokens
) GROUP BY account;

CREATE TABLE access_keys (
    id        TEXT PRIMARY KEY NOT NULL,
    account   TEXT NOT NULL REFERENCES accounts (id),
    secret    BLOB NOT NULL, -- sealed
    status    TEXT NOT NULL,
    policy    TEXT NOT NULL, -- a policy document, as it was given
    label     TEXT NOT NULL,
    created   INTEGER NOT NULL,
    last_used INTEGER
) STRICT;
CREATE INDEX access_keys_by_time ON access_keys (created, id);
CREATE INDEX access_keys_by_account ON access_keys (account, created, id);
