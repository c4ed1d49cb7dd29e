-- What the clouds' interfaces add: notes of their calls, accounts, and the access keys that sign.

ALTER TABLE caches    ADD COLUMN notes TEXT; -- JSON; null: no cloud's call asked for it
ALTER TABLE instances ADD COLUMN notes TEXT; -- JSON; null: no cloud's call asked for it

-- Words of the notes of a cache, to find it by them.
CREATE TABLE cache_labels (
    cache TEXT COLLATE "C" NOT NULL REFERENCES caches (id) ON DELETE CASCADE,
    key   TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (cache, key)
);

CREATE TABLE accounts (
    id      TEXT COLLATE "C" PRIMARY KEY,
    label   TEXT NOT NULL,
    created BIGINT NOT NULL
);
-- That of whoever acts on this machine, and whoever has anything already.
INSERT INTO accounts (id, label, created) VALUES ('local', '', 0);
INSERT INTO accounts (id, label, created)
SELECT account, '', min(created) FROM (
    SELECT account, created FROM caches UNION ALL SELECT account, created FROM instances UNION ALL SELECT account, created FROM tokens
) AS had GROUP BY account
ON CONFLICT DO NOTHING;

CREATE TABLE access_keys (
    id        TEXT COLLATE "C" PRIMARY KEY,
    account   TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    secret    BYTEA NOT NULL, -- sealed
    status    TEXT NOT NULL,
    policy    TEXT NOT NULL, -- a policy document, as it was given
    label     TEXT NOT NULL,
    created   BIGINT NOT NULL,
    last_used BIGINT
);
CREATE INDEX access_keys_by_time ON access_keys (created, id);
CREATE INDEX access_keys_by_account ON access_keys (account, created, id);
