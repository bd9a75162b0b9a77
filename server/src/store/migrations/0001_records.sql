-- Times are Unix seconds, digests are 32 bytes, truth is 0 or 1. Whatever a tenant owns has its owner (or context) and the root of the owner's tree, by which every
-- statement on it is limited.

-- One row: the end of the chain of activity, and the last revision that was published.
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL CHECK (seq >= 0),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    revision INTEGER NOT NULL CHECK (revision >= 0),
    store_id TEXT NOT NULL CHECK (length(store_id) BETWEEN 1 AND 64)
) STRICT;

CREATE TABLE policies (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL CHECK (json_valid(body)),
    version INTEGER NOT NULL CHECK (version >= 1),
    changed INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (
    -- The change that made it: the order in which snapshots list them.
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64),
    -- A move writes it anew for all accounts and keys below.
    root TEXT NOT NULL,
    parent TEXT REFERENCES accounts (id),
    is_organization INTEGER NOT NULL CHECK (is_organization IN (0, 1)),
    name TEXT,
    -- 0 listed, 1 any.
    children INTEGER NOT NULL CHECK (children IN (0, 1)),
    -- 0 active, 1 suspended.
    status INTEGER NOT NULL CHECK (status IN (0, 1)),
    suspended_reason TEXT,
    policy TEXT REFERENCES policies (name),
    external_id TEXT UNIQUE,
    source TEXT NOT NULL,
    created INTEGER,
    created_by TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    changed INTEGER NOT NULL,
    CHECK (parent IS NULL OR parent <> id),
    -- A gateway would not load it.
    CHECK (is_organization = 0 OR parent IS NULL)
) STRICT;
CREATE INDEX accounts_of_root ON accounts (root, seq);
CREATE INDEX accounts_of_parent ON accounts (parent, seq);
CREATE INDEX accounts_changed ON accounts (changed);
CREATE INDEX accounts_of_policy ON accounts (policy) WHERE policy IS NOT NULL;

-- Permissions of keys that name no set. A million keys share a few thousand of these rows.
CREATE TABLE grants (
    id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
    permissions TEXT NOT NULL CHECK (json_valid(permissions))
) STRICT;

CREATE TABLE grant_sets (
    name TEXT PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE,
    permissions TEXT NOT NULL CHECK (json_valid(permissions)),
    source TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    changed INTEGER NOT NULL
) STRICT;

CREATE TABLE documents (
    name TEXT PRIMARY KEY CHECK (name IN ('configuration', 'endpoints')),
    body TEXT NOT NULL CHECK (json_valid(body)),
    version INTEGER NOT NULL CHECK (version >= 1),
    changed INTEGER NOT NULL
) STRICT;

CREATE TABLE keys (
    -- The change that made it: creation order, and the cursor of lists.
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64),
    sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
    owner TEXT NOT NULL REFERENCES accounts (id),
    root TEXT NOT NULL,
    -- 0 secret, 1 restricted, 2 publishable, 3 organization.
    kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2, 3)),
    livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    -- A publishable key is public. No other value is ever in this database.
    value TEXT CHECK (value IS NULL OR kind = 2),
    ends_with TEXT CHECK (length(ends_with) BETWEEN 1 AND 4),
    name TEXT,
    note TEXT,
    labels TEXT CHECK (labels IS NULL OR json_valid(labels)),
    grants INTEGER REFERENCES grants (id),
    grant_set TEXT REFERENCES grant_sets (name),
    connect_grants INTEGER REFERENCES grants (id),
    connect_grant_set TEXT REFERENCES grant_sets (name),
    allowed_ips TEXT CHECK (allowed_ips IS NULL OR json_valid(allowed_ips)),
    not_before INTEGER,
    expires INTEGER,
    -- 0 active, 1 deleted. Whether a key has expired is a matter of the time.
    status INTEGER NOT NULL CHECK (status IN (0, 1)),
    -- 0 enforce, 1 shadow.
    enforcement INTEGER NOT NULL CHECK (enforcement IN (0, 1)),
    replaces TEXT UNIQUE REFERENCES keys (id) ON DELETE SET NULL,
    replaced_by TEXT UNIQUE REFERENCES keys (id) ON DELETE SET NULL,
    source TEXT NOT NULL,
    created INTEGER,
    created_by TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    changed INTEGER NOT NULL,
    CHECK (grants IS NULL OR grant_set IS NULL),
    CHECK (connect_grants IS NULL OR connect_grant_set IS NULL),
    CHECK (kind <> 1 OR grants IS NOT NULL OR grant_set IS NOT NULL),
    CHECK (
        kind <> 2
        OR (
            grants IS NULL AND grant_set IS NULL
            AND connect_grants IS NULL AND connect_grant_set IS NULL
            AND allowed_ips IS NULL
        )
    )
) STRICT;
CREATE INDEX keys_of_owner ON keys (owner, seq DESC);
-- Counts the keys that an account has in use, without a look at the keys.
CREATE INDEX keys_in_use ON keys (owner, livemode, expires) WHERE status = 0;
CREATE INDEX keys_of_root ON keys (root, seq DESC);
CREATE INDEX keys_changed ON keys (changed);
CREATE INDEX keys_ending ON keys (expires) WHERE status = 0 AND expires IS NOT NULL;
CREATE INDEX keys_by_end ON keys (ends_with, seq DESC);
CREATE INDEX keys_by_maker ON keys (created_by, seq DESC);
CREATE INDEX keys_of_set ON keys (grant_set) WHERE grant_set IS NOT NULL;
CREATE INDEX keys_of_connect_set ON keys (connect_grant_set) WHERE connect_grant_set IS NOT NULL;

CREATE TABLE key_labels (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    seq INTEGER NOT NULL REFERENCES keys (seq) ON DELETE CASCADE,
    PRIMARY KEY (name, value, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_labels_of_key ON key_labels (seq);

-- The words of names and labels; its rowid is the key's seq. It holds no text, only where which word is.
CREATE VIRTUAL TABLE key_words USING fts5 (name, labels, content = '', contentless_delete = 1, tokenize = 'unicode61');

-- How many keys there are. `state` is what is stored: 0 active, 1 deleted.
CREATE TABLE counters (
    owner TEXT NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2, 3)),
    livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    state INTEGER NOT NULL CHECK (state IN (0, 1)),
    n INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (owner, kind, livemode, state)
) STRICT, WITHOUT ROWID;

-- Survives a purge, so that a value that leaked does not come back by its digest.
CREATE TABLE ended_digests (
    sha256 BLOB PRIMARY KEY CHECK (length(sha256) = 32),
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was done, in a chain: each row's digest is over the digest before it and the row.
CREATE TABLE activity (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    action_group TEXT NOT NULL,
    context TEXT,
    root TEXT,
    livemode INTEGER CHECK (livemode IN (0, 1)),
    object_kind TEXT,
    object_id TEXT,
    actor_type TEXT NOT NULL,
    actor_id TEXT,
    session TEXT,
    address TEXT,
    request_id TEXT,
    body TEXT NOT NULL CHECK (json_valid(body)),
    previous BLOB NOT NULL CHECK (length(previous) = 32),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32)
) STRICT;
CREATE INDEX activity_of_context ON activity (context, seq DESC);
CREATE INDEX activity_of_root ON activity (root, seq DESC);
CREATE INDEX activity_of_object ON activity (object_id, seq DESC);
CREATE INDEX activity_of_actor ON activity (actor_id, seq DESC);
CREATE TRIGGER activity_is_never_changed BEFORE UPDATE ON activity
BEGIN
    SELECT RAISE(ABORT, 'activity is only ever added to');
END;
CREATE TRIGGER activity_is_never_removed BEFORE DELETE ON activity
BEGIN
    SELECT RAISE(ABORT, 'activity is only ever added to');
END;
-- INSERT OR REPLACE fires no trigger of a removal.
CREATE TRIGGER activity_is_never_replaced BEFORE INSERT ON activity
WHEN NEW.seq <= (SELECT max(seq) FROM activity)
BEGIN
    SELECT RAISE(ABORT, 'activity is only ever added to');
END;

CREATE TABLE idempotency (
    principal TEXT NOT NULL,
    key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    object_id TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (principal, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (principal, at);

-- How many of them each principal has, for it may have so many at most.
CREATE TABLE idempotency_counts (
    principal TEXT PRIMARY KEY,
    n INTEGER NOT NULL CHECK (n >= 0)
) STRICT, WITHOUT ROWID;
