-- People who manage keys on pages: a link that is used once, and the session that it opens.
-- Of link and cookie only the digests are kept. A row stays when its session has ended: the trail names it.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    -- 0 console. A portal's sessions are to be of the next kind: with an account, a policy and a way back.
    kind INTEGER NOT NULL CHECK (kind IN (0, 1)),
    link_sha256 BLOB NOT NULL UNIQUE CHECK (length(link_sha256) = 32),
    cookie_sha256 BLOB UNIQUE CHECK (length(cookie_sha256) = 32),
    account TEXT REFERENCES accounts (id) ON DELETE CASCADE,
    role TEXT,
    policy TEXT,
    actor TEXT NOT NULL CHECK (json_valid(actor)),
    return_url TEXT,
    features TEXT CHECK (features IS NULL OR json_valid(features)),
    made_by TEXT NOT NULL,
    made INTEGER NOT NULL,
    link_until INTEGER NOT NULL,
    opened INTEGER,
    last_seen INTEGER,
    until INTEGER,
    ended INTEGER,
    address TEXT,
    CHECK ((opened IS NULL) = (cookie_sha256 IS NULL)),
    CHECK ((opened IS NULL) = (until IS NULL)),
    CHECK (kind <> 0 OR (role IS NOT NULL AND account IS NULL)),
    CHECK (kind <> 1 OR account IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_age ON sessions (made DESC, id);
CREATE INDEX sessions_of_maker ON sessions (made_by) WHERE ended IS NULL;
