-- How many caches there are of each account, origin and state, and of these those whose deletion was asked for, so that nobody
-- counts them.

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

CREATE TRIGGER cache_comes AFTER INSERT ON caches BEGIN
    INSERT INTO usage (account, origin, state, deleting, caches)
        VALUES (NEW.account, NEW.origin, NEW.state, NEW.deleting IS NOT NULL, 1)
        ON CONFLICT (account, origin, state, deleting) DO UPDATE SET caches = caches + 1;
END;
CREATE TRIGGER cache_steps AFTER UPDATE OF state, deleting ON caches
WHEN OLD.state <> NEW.state OR (OLD.deleting IS NULL) <> (NEW.deleting IS NULL) BEGIN
    UPDATE usage SET caches = caches - 1
        WHERE account = OLD.account AND origin = OLD.origin AND state = OLD.state AND deleting = (OLD.deleting IS NOT NULL);
    INSERT INTO usage (account, origin, state, deleting, caches)
        VALUES (NEW.account, NEW.origin, NEW.state, NEW.deleting IS NOT NULL, 1)
        ON CONFLICT (account, origin, state, deleting) DO UPDATE SET caches = caches + 1;
END;
CREATE TRIGGER cache_goes AFTER DELETE ON caches BEGIN
    UPDATE usage SET caches = caches - 1
        WHERE account = OLD.account AND origin = OLD.origin AND state = OLD.state AND deleting = (OLD.deleting IS NOT NULL);
END;
