-- Requests that are carried out once, with their answers, by the caller's word.

CREATE TABLE answers (
    account     TEXT COLLATE "C" NOT NULL,
    operation   TEXT COLLATE "C" NOT NULL,
    token       TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    kept_until  BIGINT NOT NULL,
    subject     BYTEA NOT NULL, -- what it is about, in the caller's own form
    owner_pid   BIGINT NOT NULL,
    owner_start BIGINT NOT NULL,
    owner_boot  TEXT NOT NULL,
    turn        BIGINT NOT NULL,
    beat        BIGINT NOT NULL,
    answered    BOOLEAN NOT NULL,
    answer      BYTEA NOT NULL, -- empty before it is answered
    PRIMARY KEY (account, operation, token)
);
CREATE INDEX answers_by_time ON answers (kept_until);
