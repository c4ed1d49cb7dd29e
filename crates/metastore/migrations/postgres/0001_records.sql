-- Times are microseconds since 1970-01-01T00:00:00Z, sizes are bytes, ids and digests are their text. Text is compared byte by byte.

CREATE TABLE schema_version (
    version BIGINT NOT NULL
);
INSERT INTO schema_version VALUES (0);

CREATE TABLE snapshots (
    id      TEXT COLLATE "C" PRIMARY KEY,
    created BIGINT NOT NULL,
    size    BIGINT NOT NULL,
    summary BYTEA NOT NULL -- names, digests and sizes, as the model encodes them
);

CREATE TABLE caches (
    id              TEXT COLLATE "C" PRIMARY KEY,
    account         TEXT COLLATE "C" NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    origin          TEXT COLLATE "C" NOT NULL,
    state           TEXT COLLATE "C" NOT NULL,
    images          TEXT NOT NULL, -- JSON
    platform        TEXT NOT NULL, -- JSON
    size_limit      BIGINT NOT NULL,
    policy          TEXT NOT NULL, -- JSON
    access          TEXT NOT NULL, -- JSON
    snapshot        TEXT COLLATE "C" REFERENCES snapshots (id),
    unpacked_size   BIGINT,
    generations     TEXT NOT NULL, -- JSON
    progress        BIGINT NOT NULL,
    copies          TEXT NOT NULL, -- JSON
    starts          BIGINT NOT NULL,
    spared_bytes        BIGINT NOT NULL,
    spared_milliseconds BIGINT NOT NULL,
    failure_reason  TEXT,
    failure_message TEXT,
    created         BIGINT NOT NULL,
    updated         BIGINT NOT NULL,
    last_used       BIGINT,
    checked         BIGINT,
    deleting        BIGINT,
    evictable       BOOLEAN NOT NULL -- may make room under a quota unless an instance holds it
);
CREATE INDEX caches_by_name ON caches (account, name, id);
CREATE INDEX caches_by_account ON caches (account, id);
CREATE INDEX caches_by_account_and_state ON caches (account, state, id);
CREATE INDEX caches_by_state ON caches (state, id);
CREATE INDEX caches_by_use ON caches (account, origin, coalesce(last_used, created), id) WHERE evictable;
CREATE INDEX caches_by_snapshot ON caches (snapshot);

-- The images of a cache, to find it by them.
CREATE TABLE cache_images (
    cache      TEXT COLLATE "C" NOT NULL REFERENCES caches (id) ON DELETE CASCADE,
    image      TEXT COLLATE "C" NOT NULL, -- the digest of its text, which may be too long for an index
    repository TEXT COLLATE "C", -- null: not in a registry
    account    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (cache, image)
);
CREATE INDEX cache_images_by_image ON cache_images (account, image, cache);
CREATE INDEX cache_images_by_repository ON cache_images (account, repository, cache) WHERE repository IS NOT NULL;

CREATE TABLE cache_tags (
    cache   TEXT COLLATE "C" NOT NULL REFERENCES caches (id) ON DELETE CASCADE,
    key     TEXT COLLATE "C" NOT NULL,
    value   TEXT COLLATE "C" NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (cache, key)
);
CREATE INDEX cache_tags_by_value ON cache_tags (account, key, value, cache);

-- The earlier snapshots that a cache names.
CREATE TABLE cache_generations (
    cache    TEXT COLLATE "C" NOT NULL REFERENCES caches (id) ON DELETE CASCADE,
    snapshot TEXT COLLATE "C" NOT NULL REFERENCES snapshots (id),
    PRIMARY KEY (cache, snapshot)
);
CREATE INDEX cache_generations_by_snapshot ON cache_generations (snapshot);

-- How many caches count against a quota, so that nobody counts them.
CREATE TABLE usage (
    account TEXT COLLATE "C" NOT NULL,
    origin  TEXT COLLATE "C" NOT NULL,
    caches  BIGINT NOT NULL,
    PRIMARY KEY (account, origin)
);

CREATE TABLE credentials (
    owner    TEXT COLLATE "C" NOT NULL,
    registry TEXT COLLATE "C" NOT NULL,
    sealed   BYTEA NOT NULL,
    PRIMARY KEY (owner, registry)
);

CREATE TABLE builds (
    id              TEXT COLLATE "C" PRIMARY KEY,
    cache           TEXT COLLATE "C" NOT NULL REFERENCES caches (id) ON DELETE CASCADE,
    snapshot        TEXT COLLATE "C" NOT NULL, -- what it will commit: not in `snapshots` before it has
    account         TEXT COLLATE "C" NOT NULL,
    plan            TEXT NOT NULL, -- JSON
    state           TEXT COLLATE "C" NOT NULL,
    owner_pid       BIGINT,
    owner_start     BIGINT,
    owner_boot      TEXT,
    attempts        BIGINT NOT NULL,
    beat            BIGINT NOT NULL,
    cancelled       BOOLEAN NOT NULL,
    queued          BIGINT NOT NULL,
    started         BIGINT,
    finished        BIGINT,
    failure_reason  TEXT,
    failure_message TEXT
);
CREATE INDEX builds_by_cache ON builds (cache);
CREATE UNIQUE INDEX unfinished_build_of_cache ON builds (cache) WHERE state IN ('Queued', 'Running');
CREATE INDEX queued_builds ON builds (account, queued, id) WHERE state = 'Queued';
CREATE INDEX running_builds ON builds (account, id) WHERE state = 'Running';

CREATE TABLE layers (
    blob            TEXT COLLATE "C" PRIMARY KEY,
    diff_id         TEXT COLLATE "C" NOT NULL,
    compressed_size BIGINT NOT NULL,
    tar_size        BIGINT NOT NULL,
    blob_size       BIGINT NOT NULL,
    recorded        BIGINT NOT NULL
);
CREATE INDEX layers_by_diff_id ON layers (diff_id);

CREATE TABLE instances (
    id              TEXT COLLATE "C" PRIMARY KEY,
    account         TEXT COLLATE "C" NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    image           TEXT NOT NULL,
    manifest_digest TEXT NOT NULL,
    snapshot        TEXT COLLATE "C" NOT NULL REFERENCES snapshots (id),
    cache           TEXT COLLATE "C", -- may be deleted before the instance
    command         TEXT NOT NULL, -- JSON
    state           TEXT NOT NULL, -- JSON
    ended           BOOLEAN NOT NULL,
    pid             BIGINT,
    remove_on_exit  BOOLEAN NOT NULL,
    created         BIGINT NOT NULL,
    started         BIGINT,
    finished        BIGINT,
    UNIQUE (account, name)
);
CREATE INDEX instances_by_snapshot ON instances (snapshot);
CREATE INDEX instances_by_cache ON instances (cache, id);
CREATE INDEX instances_by_account ON instances (account, id);

-- Subjects of events that are not (or no longer) recorded, and whose they were.
CREATE TABLE departed (
    subject TEXT COLLATE "C" PRIMARY KEY,
    account TEXT COLLATE "C" -- null: nobody knows
);

CREATE TABLE events (
    number  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject TEXT COLLATE "C" NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    reason  TEXT COLLATE "C" NOT NULL,
    message TEXT NOT NULL,
    digest  TEXT COLLATE "C" NOT NULL, -- of the message, which is too long for an index
    first   BIGINT NOT NULL,
    last    BIGINT NOT NULL,
    count   BIGINT NOT NULL,
    UNIQUE (subject, kind, reason, digest)
);
CREATE INDEX events_by_time ON events (subject, last);

-- Numbered and committed one after the other, so that a reader never sees a number before a smaller one.
CREATE TABLE changes (
    number  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject TEXT COLLATE "C" NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    at      BIGINT NOT NULL
);

-- One row: the newest of the changes that were dropped.
CREATE TABLE forgotten_changes (
    number BIGINT NOT NULL
);
INSERT INTO forgotten_changes VALUES (0);

CREATE TABLE client_tokens (
    account     TEXT COLLATE "C" NOT NULL,
    operation   TEXT COLLATE "C" NOT NULL,
    token       TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    kept_until  BIGINT NOT NULL,
    cache       TEXT NOT NULL, -- JSON: as the request left it
    PRIMARY KEY (account, operation, token)
);
CREATE INDEX client_tokens_by_time ON client_tokens (kept_until);

CREATE TABLE tokens (
    id        TEXT COLLATE "C" PRIMARY KEY,
    digest    BYTEA NOT NULL,
    account   TEXT COLLATE "C" NOT NULL,
    label     TEXT NOT NULL,
    scopes    TEXT NOT NULL, -- JSON
    created   BIGINT NOT NULL,
    expires   BIGINT,
    revoked   BIGINT,
    last_used BIGINT
);
CREATE INDEX tokens_by_time ON tokens (created, id);
