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

-- The newest decision that is neither revoked nor expired holds.
CREATE TABLE consents (
  id         INTEGER PRIMARY KEY,
  user       TEXT    NOT NULL,
  capability TEXT    NOT NULL,
  resource   TEXT    NOT NULL,           -- what it is for, such as an account; '*' is every one
  decision   TEXT    NOT NULL CHECK (decision IN ('granted', 'denied')),
  decided    INTEGER NOT NULL,
  expires    INTEGER,
  revoked    INTEGER,
  decided_by TEXT    NOT NULL,
  way        TEXT    NOT NULL,           -- asked, command or setting
  reason     TEXT    NOT NULL DEFAULT ''
);
CREATE INDEX consents_of ON consents (user, capability, resource, id);

-- When a caller was last shown text that somebody else chose.
CREATE TABLE exposures (
  user   TEXT    NOT NULL,
  client TEXT    NOT NULL,
  last   INTEGER NOT NULL,
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

-- The id of the master key that secrets are sealed with from now on: one row, absent while there never was a secret.
CREATE TABLE master_key (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id  TEXT    NOT NULL
);

-- Each record is chained to the one before it:
-- hash = HMAC-SHA-256(audit key, previous hash, sequence as 8 bytes, record).
CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY,
  record   TEXT    NOT NULL,             -- canonical JSON
  hash     BLOB    NOT NULL
);

-- Where the chain begins. Sequence 0 holds the random genesis; each removal of old records leaves one more.
CREATE TABLE audit_checkpoints (
  sequence INTEGER PRIMARY KEY,          -- of the last record that is no longer there
  hash     BLOB    NOT NULL,             -- what the record after it is chained to
  made     INTEGER NOT NULL,
  proof    BLOB    NOT NULL              -- HMAC-SHA-256 with the audit key
);

-- These keep programs from a mistake. Whoever may edit the file can drop them; the chain is the proof.
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'records of the audit are never changed'); END;

CREATE TRIGGER audit_is_removed_behind_a_checkpoint BEFORE DELETE ON audit
WHEN OLD.sequence > coalesce((SELECT max(sequence) FROM audit_checkpoints), 0)
BEGIN SELECT RAISE(ABORT, 'records of the audit are removed behind a checkpoint only'); END;

CREATE TRIGGER audit_is_appended_to BEFORE INSERT ON audit
WHEN NEW.sequence IS NOT 1 + max(
  coalesce((SELECT max(sequence) FROM audit), 0), coalesce((SELECT max(sequence) FROM audit_checkpoints), 0))
BEGIN SELECT RAISE(ABORT, 'records of the audit are appended only'); END;

CREATE TRIGGER audit_checkpoints_are_never_changed BEFORE UPDATE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints of the audit are never changed'); END;

CREATE TRIGGER audit_checkpoints_are_never_removed BEFORE DELETE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints of the audit are never removed'); END;

CREATE TRIGGER audit_checkpoints_are_appended_to BEFORE INSERT ON audit_checkpoints
WHEN NEW.sequence <= (SELECT max(sequence) FROM audit_checkpoints)
BEGIN SELECT RAISE(ABORT, 'checkpoints of the audit are appended only'); END;
