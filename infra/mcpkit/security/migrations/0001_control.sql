-- What the server keeps about those who call it: their keys, consents and stored parameters, secrets, and the audit.
-- Times are unix seconds, UTC, unless it is said otherwise.

CREATE TABLE api_keys (
  id       TEXT    PRIMARY KEY,          -- the visible beginning of the key
  user     TEXT    NOT NULL,
  label    TEXT    NOT NULL DEFAULT '',
  scopes   TEXT    NOT NULL,             -- a JSON array
  accounts TEXT,                         -- a JSON array; NULL is every account
  salt     BLOB    NOT NULL,
  hash     BLOB    NOT NULL,
  created  INTEGER NOT NULL,
  expires  INTEGER,
  revoked  INTEGER,
  used     INTEGER                       -- for the last time
) WITHOUT ROWID;
CREATE INDEX api_keys_by_user ON api_keys (user);

-- The newest decision that is neither revoked nor expired holds. Times have fractions of a second.
CREATE TABLE consents (
  id         INTEGER PRIMARY KEY,
  user       TEXT    NOT NULL,
  capability TEXT    NOT NULL,
  resource   TEXT    NOT NULL,           -- what it is for, such as an account; '*' is every one
  decision   TEXT    NOT NULL CHECK (decision IN ('granted', 'denied')),
  decided    REAL    NOT NULL,
  expires    REAL,                       -- at once, where it was for one call
  revoked    REAL,
  revoked_by TEXT,                       -- and why
  decided_by TEXT    NOT NULL,
  way        TEXT    NOT NULL CHECK (way IN ('asked', 'command', 'setting')),
  reason     TEXT    NOT NULL DEFAULT '',
  asking     TEXT                        -- the question that was answered; no question is answered twice
);
CREATE INDEX consents_of ON consents (user, capability, resource, id);
CREATE UNIQUE INDEX consents_by_asking ON consents (asking, capability, resource) WHERE asking IS NOT NULL;

-- When a caller was last shown text that somebody else chose: no consent was given between `last` and a later showing.
CREATE TABLE exposures (
  user   TEXT    NOT NULL,
  client TEXT    NOT NULL,
  last   REAL    NOT NULL,
  PRIMARY KEY (user, client)
) WITHOUT ROWID;

CREATE TABLE stored_parameters (
  user     TEXT    NOT NULL,
  tool     TEXT    NOT NULL,
  argument TEXT    NOT NULL,
  value    TEXT    NOT NULL,             -- JSON
  stored   INTEGER NOT NULL,
  PRIMARY KEY (user, tool, argument)
) WITHOUT ROWID;

-- Sealed by AES-256-GCM with the master key `key`; purpose and name are authenticated with it.
CREATE TABLE secrets (
  purpose TEXT    NOT NULL,
  name    TEXT    NOT NULL,
  key     TEXT    NOT NULL,
  nonce   BLOB    NOT NULL,
  sealed  BLOB    NOT NULL,
  stored  INTEGER NOT NULL,
  PRIMARY KEY (purpose, name)
) WITHOUT ROWID;

-- Each record is chained to the one before it: hash = SHA-256(previous hash, sequence, record).
CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY,
  record   TEXT    NOT NULL,             -- canonical JSON
  hash     BLOB    NOT NULL
);
