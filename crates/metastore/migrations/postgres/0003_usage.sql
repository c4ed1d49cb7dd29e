-- How many caches there are of each account, origin and state, and of these those whose deletion was asked for, so that nobody
-- counts them.

DROP TABLE usage;

CREATE TABLE usage (
    account  TEXT COLLATE "C" NOT NULL,
    origin   TEXT COLLATE "C" NOT NULL,
    state    TEXT COLLATE "C" NOT NULL,
    deleting BOOLEAN NOT NULL, -- these count against no quota
    caches   BIGINT NOT NULL,
    PRIMARY KEY (account, origin, state, deleting)
);
INSERT INTO usage (account, origin, state, deleting, caches)
SELECT account, origin, state, deleting IS NOT NULL, count(*) FROM caches GROUP BY account, origin, state, deleting IS NOT NULL;
