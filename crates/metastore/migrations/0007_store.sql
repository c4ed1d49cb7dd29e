-- Which store the blobs and image snapshots are in that these records are about: one row at most.

CREATE TABLE store (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    id  TEXT NOT NULL
) STRICT;
