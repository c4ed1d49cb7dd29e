-- The whole life of a cache. Columns of JSON hold what is only read whole; what is searched by is in tables and indices beside.

-- Whose records were before there were accounts: those of whoever acts on this machine.
ALTER TABLE caches ADD COLUMN account     TEXT NOT NULL DEFAULT 'local';
ALTER TABLE caches ADD COLUMN origin      TEXT NOT NULL DEFAULT 'manual';
ALTER TABLE caches ADD COLUMN policy      TEXT NOT NULL DEFAULT '{}'; -- JSON
ALTER TABLE caches ADD COLUMN access      TEXT NOT NULL DEFAULT '{}'; -- JSON
ALTER TABLE caches ADD COLUMN generations TEXT NOT NULL DEFAULT '[]'; -- JSON
ALTER TABLE caches ADD COLUMN copies      TEXT NOT NULL DEFAULT '{}'; -- JSON
ALTER TABLE caches ADD COLUMN progress    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE caches ADD COLUMN starts      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE caches ADD COLUMN spared_bytes        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE caches ADD COLUMN spared_milliseconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE caches ADD COLUMN checked     INTEGER;
ALTER TABLE caches ADD COLUMN deleting    INTEGER;
ALTER TABLE caches ADD COLUMN evictable   INTEGER NOT NULL DEFAULT 0; -- may make room under a quota unless an instance holds it

UPDATE caches SET progress = 100 WHERE state IN ('Ready', 'UpdateFailed');
-- So far there was one store, and a snapshot was whole in it or not there.
UPDATE caches SET copies = '{"flash":{"state":"complete"},"standard":{"state":"complete"}}' WHERE snapshot IS NOT NULL;

-- Names, digests and sizes of a snapshot, as the model encodes them; empty where a snapshot is older than they are.
ALTER TABLE snapshots ADD COLUMN summary BLOB NOT NULL DEFAULT x'';

DROP INDEX caches_by_name;
CREATE INDEX caches_by_name ON caches (account, name, id);
CREATE INDEX caches_by_account ON caches (account, id, state, origin);
CREATE INDEX caches_by_account_and_state ON caches (account, state, id, origin);
CREATE INDEX caches_by_state ON caches (state, id);
CREATE INDEX caches_by_use ON caches (account, origin, coalesce(last_used, created), id) WHERE evictable = 1;

-- The images of a cache, to find it by them.
CREATE TABLE cache_images (
    cache      TEXT NOT NULL REFERENCES caches (id) ON DELETE CASCADE,
    image      TEXT NOT NULL,
    repository TEXT, -- null: not in a registry
    account    TEXT NOT NULL,
    PRIMARY KEY (cache, image)
) STRICT, WITHOUT ROWID;
CREATE INDEX cache_images_by_image ON cache_images (account, image, cache);
CREATE INDEX cache_images_by_repository ON cache_images (account, repository, cache) WHERE repository IS NOT NULL;

INSERT OR IGNORE INTO cache_images (cache, image, repository, account)
SELECT cache, image,
       CASE WHEN bare IS NULL THEN NULL WHEN instr(bare, ':') > 0 THEN substr(bare, 1, instr(bare, ':') - 1) ELSE bare END,
       'local'
FROM (
    SELECT cache, image,
           CASE WHEN rest IS NULL THEN NULL WHEN instr(rest, '@') > 0 THEN substr(rest, 1, instr(rest, '@') - 1) ELSE rest END AS bare
    FROM (
        SELECT caches.id AS cache, one.value AS image,
               CASE WHEN one.value LIKE 'oci:%' OR one.value LIKE 'docker-archive:%' THEN NULL
                    ELSE substr(one.value, instr(one.value, '/') + 1) END AS rest
        FROM caches, json_each(caches.images) AS one
    )
);

CREATE TABLE cache_tags (
    cache   TEXT NOT NULL REFERENCES caches (id) ON DELETE CASCADE,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    account TEXT NOT NULL,
    PRIMARY KEY (cache, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX cache_tags_by_value ON cache_tags (account, key, value, cache);

-- The earlier snapshots that a cache names.
CREATE TABLE cache_generations (
    cache    TEXT NOT NULL REFERENCES caches (id) ON DELETE CASCADE,
    snapshot TEXT NOT NULL REFERENCES snapshots (id),
    PRIMARY KEY (cache, snapshot)
) STRICT, WITHOUT ROWID;
CREATE INDEX cache_generations_by_snapshot ON cache_generations (snapshot);

-- How many caches count against a quota, so that nobody counts them.
CREATE TABLE usage (
    account TEXT NOT NULL,
    origin  TEXT NOT NULL,
    caches  INTEGER NOT NULL,
    PRIMARY KEY (account, origin)
) STRICT, WITHOUT ROWID;
INSERT INTO usage (account, origin, caches) SELECT account, origin, count(*) FROM caches GROUP BY account, origin;

CREATE TRIGGER cache_counts AFTER INSERT ON caches WHEN NEW.deleting IS NULL BEGIN
    INSERT INTO usage (account, origin, caches) VALUES (NEW.account, NEW.origin, 1)
        ON CONFLICT (account, origin) DO UPDATE SET caches = caches + 1;
END;
CREATE TRIGGER cache_counts_no_more AFTER UPDATE OF deleting ON caches
WHEN OLD.deleting IS NULL AND NEW.deleting IS NOT NULL BEGIN
    UPDATE usage SET caches = caches - 1 WHERE account = OLD.account AND origin = OLD.origin;
END;
CREATE TRIGGER cache_is_gone AFTER DELETE ON caches WHEN OLD.deleting IS NULL BEGIN
    UPDATE usage SET caches = caches - 1 WHERE account = OLD.account AND origin = OLD.origin;
END;

CREATE TABLE new_builds (
    id              TEXT PRIMARY KEY NOT NULL,
    cache           TEXT NOT NULL REFERENCES caches (id) ON DELETE CASCADE,
    snapshot        TEXT NOT NULL, -- what it will commit: not in `snapshots` before it has
    account         TEXT NOT NULL,
    plan            TEXT NOT NULL, -- JSON
    state           TEXT NOT NULL,
    owner_pid       INTEGER, -- null while it waits
    owner_start     INTEGER,
    owner_boot      TEXT,
    attempts        INTEGER NOT NULL,
    beat            INTEGER NOT NULL,
    cancelled       INTEGER NOT NULL,
    queued          INTEGER NOT NULL,
    started         INTEGER,
    finished        INTEGER,
    failure_reason  TEXT,
    failure_message TEXT
) STRICT;
INSERT INTO new_builds
SELECT builds.id, cache, builds.snapshot, 'local', json_object('images', json(images), 'size_limit', size_limit), builds.state,
       owner_pid, owner_start, owner_boot, attempts, coalesce(finished, started), 0, started, started, finished,
       builds.failure_reason, builds.failure_message
FROM builds JOIN caches ON caches.id = builds.cache;
DROP TABLE builds;
ALTER TABLE new_builds RENAME TO builds;
CREATE INDEX builds_by_cache ON builds (cache);
CREATE UNIQUE INDEX unfinished_build_of_cache ON builds (cache) WHERE state IN ('Queued', 'Running');
CREATE INDEX queued_builds ON builds (account, queued, id) WHERE state = 'Queued';
CREATE INDEX running_builds ON builds (account, id) WHERE state = 'Running';

CREATE TABLE new_instances (
    id              TEXT PRIMARY KEY NOT NULL,
    name            TEXT NOT NULL,
    account         TEXT NOT NULL,
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
    finished        INTEGER,
    UNIQUE (account, name)
) STRICT;
INSERT INTO new_instances
SELECT id, name, 'local', image, manifest_digest, snapshot, cache, command, state, ended, pid, remove_on_exit, created, started, finished
FROM instances;
DROP TABLE instances;
ALTER TABLE new_instances RENAME TO instances;
CREATE INDEX instances_by_snapshot ON instances (snapshot);
CREATE INDEX instances_by_cache ON instances (cache, id);
CREATE INDEX instances_by_account ON instances (account, id);

-- Subjects of events that are not (or no longer) recorded, and whose they were.
CREATE TABLE departed (
    subject TEXT PRIMARY KEY NOT NULL,
    account TEXT -- null: nobody knows
) STRICT, WITHOUT ROWID;
INSERT INTO departed (subject, account)
SELECT DISTINCT subject, 'local' FROM events
WHERE subject NOT IN (SELECT id FROM caches) AND subject NOT IN (SELECT id FROM instances);

-- What a request said that must be answered once only.
CREATE TABLE client_tokens (
    account     TEXT NOT NULL,
    operation   TEXT NOT NULL,
    token       TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    kept_until  INTEGER NOT NULL,
    cache       TEXT NOT NULL, -- JSON: as the request left it
    PRIMARY KEY (account, operation, token)
) STRICT, WITHOUT ROWID;
CREATE INDEX client_tokens_by_time ON client_tokens (kept_until);

CREATE TABLE credentials (
    owner    TEXT NOT NULL,
    registry TEXT NOT NULL,
    sealed   BLOB NOT NULL,
    PRIMARY KEY (owner, registry)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    id        TEXT PRIMARY KEY NOT NULL,
    digest    BLOB NOT NULL,
    account   TEXT NOT NULL,
    label     TEXT NOT NULL,
    scopes    TEXT NOT NULL, -- JSON
    created   INTEGER NOT NULL,
    expires   INTEGER,
    revoked   INTEGER,
    last_used INTEGER
) STRICT;
CREATE INDEX tokens_by_time ON tokens (created, id);

CREATE TABLE changes (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    account TEXT NOT NULL,
    kind    TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

-- One row: the newest of the changes that were dropped.
CREATE TABLE forgotten_changes (number INTEGER NOT NULL) STRICT;
INSERT INTO forgotten_changes (number) VALUES (0);
