-- Accounts on mail servers, and what of the servers is in the archive.

CREATE TABLE mail_accounts (
  account          INTEGER PRIMARY KEY REFERENCES accounts (id),
  address          TEXT    NOT NULL,
  host             TEXT    NOT NULL,
  port             INTEGER NOT NULL,
  security         TEXT    NOT NULL,  -- domain.accounts.Security
  pinned           TEXT    NOT NULL,
  username         TEXT    NOT NULL,
  login            TEXT    NOT NULL,  -- domain.accounts.Login
  password_command TEXT    NOT NULL,
  oauth            TEXT    NOT NULL,  -- domain.accounts.OAuthClient as JSON; empty is none
  include          TEXT    NOT NULL,  -- patterns, one on a line
  exclude          TEXT    NOT NULL,
  when_gone        TEXT    NOT NULL,  -- domain.accounts.WhenGone
  largest          INTEGER NOT NULL,  -- bytes
  state            TEXT    NOT NULL,  -- domain.accounts.AccountState
  state_reason     TEXT    NOT NULL,
  outcome          TEXT    NOT NULL DEFAULT 'never',  -- repositories.synchronising.Outcome, of the last run
  started          INTEGER,  -- unix seconds
  finished         INTEGER,
  succeeded        INTEGER,
  error            TEXT    NOT NULL DEFAULT '',
  error_code       TEXT    NOT NULL DEFAULT '',
  failures         INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE remote_mailboxes (
  mailbox        INTEGER PRIMARY KEY REFERENCES mailboxes (id),
  remote_key     TEXT    NOT NULL,  -- what the server calls it
  uid_validity   INTEGER NOT NULL,
  uid_next       INTEGER NOT NULL DEFAULT 0,
  messages       INTEGER NOT NULL DEFAULT 0,
  highest_modseq INTEGER NOT NULL DEFAULT 0,
  complete       INTEGER NOT NULL DEFAULT 0,
  stored         INTEGER NOT NULL DEFAULT 0,  -- rows of remote_messages under `uid_validity`
  missing        INTEGER NOT NULL DEFAULT 0,  -- of a question about deletions, as `had` and `asked`
  had            INTEGER NOT NULL DEFAULT 0,
  asked          INTEGER,
  answer         INTEGER NOT NULL DEFAULT 0   -- 0: none yet; 1: follow the server; 2: keep what is missing
);

-- `validity` is the UIDVALIDITY under which the UID was given: another than the mailbox's is of before it changed.
-- `flags` are those of this UID. A placement that rows hold has the union of theirs.
CREATE TABLE remote_messages (
  mailbox    INTEGER NOT NULL REFERENCES remote_mailboxes (mailbox),
  validity   INTEGER NOT NULL,
  uid        INTEGER NOT NULL,
  message    INTEGER NOT NULL REFERENCES messages (id),
  flags      INTEGER NOT NULL,
  content_id TEXT    NOT NULL,
  labels     TEXT    NOT NULL,  -- mailboxes, as a JSON array of their ids; empty is none
  PRIMARY KEY (mailbox, validity, uid)
) WITHOUT ROWID;
CREATE INDEX remote_messages_by_message ON remote_messages (message);
CREATE INDEX remote_messages_by_content ON remote_messages (content_id) WHERE content_id <> '';

-- Messages of which only the header and the text parts are stored.
CREATE TABLE partial_messages (
  message INTEGER PRIMARY KEY REFERENCES messages (id)
);

-- A placement is held by rows of remote_messages, by an import, or by both: a synchronisation gives up what it alone
-- held. Until now there were imports only.
ALTER TABLE placements ADD COLUMN imported INTEGER NOT NULL DEFAULT 1;

-- Flags 64 (gone) and 128 (hidden) of domain.messages.Flag. What is hidden is no mailbox's unread mail.
DROP INDEX placements_unread;
CREATE INDEX placements_unread ON placements (mailbox, message) WHERE flags & 129 = 0;
CREATE INDEX placements_hidden ON placements (mailbox, message) WHERE flags & 128 <> 0;
CREATE INDEX messages_gone     ON messages (id) WHERE flags & 64 <> 0;
CREATE INDEX messages_hidden   ON messages (id) WHERE flags & 128 <> 0;

-- What callers find who do not ask for what is gone.
CREATE VIEW found_placements AS
  SELECT p.message, p.mailbox, p.flags FROM placements p
  WHERE p.flags & 128 = 0 AND NOT EXISTS (SELECT 1 FROM withheld w WHERE w.message = p.message);
