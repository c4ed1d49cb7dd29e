-- Which store the blobs and image snapshots are in that these records are about: one row at most.

CREATE TABLE store (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    id  TEXT COLLATE "C" NOT NULL
);
