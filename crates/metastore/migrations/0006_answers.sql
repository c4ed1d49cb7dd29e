-- Requests that are carried out once, with their answers, by the caller's word.

CREATE TABLE answers (
    account     TEXT NOT NULL,
    operation   TEXT NOT NULL,
    token       TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    kept_until  INTEGER NOT NULL,
    subject     BLOB NOT NULL, -- what it is about, in the caller's own form
    owner_pid   INTEGER NOT NULL,
    owner_start INTEGER NOT NULL,
    owner_boot  TEXT NOT NULL,
    turn        INTEGER NOT NULL,
    beat        INTEGER NOT NULL,
    answered    INTEGER NOT NULL,
    answer      BLOB NOT NULL, -- empty before it is answered
    PRIMARY KEY (account, operation, token)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_time ON answers (kept_until);
