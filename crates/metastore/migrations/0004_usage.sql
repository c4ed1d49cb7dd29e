-- How many caches there are of each account, origin and state, and of these those whose deletion was asked for, so that nobody
-- counts them. Every verb counts what it writes, as it does in the other database.

DROP TRIGGER cache_counts;
DROP TRIGGER cache_counts_no_more;
DROP TRIGGER cache_is_gone;
DROP TABLE usage;

CREATE TABLE usage (
    account  TEXT NOT NULL,
    origin   TEXT NOT NULL,
    state    TEXT NOT NULL,
    deleting INTEGER NOT NULL, -- these count against no quota
    caches   INTEGER NOT NULL,
    PRIMARY KEY (account, origin, state, deleting)
) STRICT, WITHOUT ROWID;
INSERT INTO usage (account, origin, state, deleting, caches)
SELECT account, origin, state, deleting IS NOT NULL, count(*) FROM caches GROUP BY account, origin, state, deleting IS NOT NULL;
