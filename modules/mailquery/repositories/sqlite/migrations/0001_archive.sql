-- The mail archive.
--
-- messages.id is the message's date as a unix second, counted up until it is free. It is the row id of `search` too, so
-- newest first, ranges of dates and keyset paging need no sort. messages.date is the date itself, and decides.
-- messages.sequence counts messages in the order in which they were added; what is large and read by itself (bodies,
-- raw messages) is stored under it, which keeps those tables append-only.

CREATE TABLE facts (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO facts (name, value) VALUES
  ('messages', 0),
  ('largest_shift', 0),     -- how far an id was counted up at most
  ('subjects_threaded', 0); -- the sequence up to which threads were joined by subject

CREATE TABLE messages (
  id              INTEGER PRIMARY KEY,
  flags           INTEGER NOT NULL,  -- domain.messages.Flag: the union over the placements
  date            INTEGER NOT NULL,  -- unix second, UTC
  sequence        INTEGER NOT NULL UNIQUE,
  key             INTEGER NOT NULL UNIQUE,  -- of the public id (domain.handles)
  thread          INTEGER NOT NULL,
  size            INTEGER NOT NULL,  -- of the raw message, in bytes
  utc_offset      INTEGER NOT NULL,  -- seconds
  fingerprint     BLOB    NOT NULL UNIQUE,
  message_id_hash INTEGER,
  subject_hash    INTEGER,  -- of the base subject where it is long enough to tell conversations apart
  orphan          INTEGER NOT NULL,  -- 1: a reply by its subject that names no message, not joined yet
  list            INTEGER REFERENCES lists (id),
  date_source     TEXT    NOT NULL,
  message_id      TEXT    NOT NULL,
  subject         TEXT    NOT NULL,
  preview         TEXT    NOT NULL,
  in_reply_to     TEXT    NOT NULL,  -- Message-IDs, one on a line
  refs            TEXT    NOT NULL,
  locator         TEXT    NOT NULL
);
CREATE INDEX messages_by_thread     ON messages (thread, date);
CREATE INDEX messages_by_message_id ON messages (message_id_hash) WHERE message_id_hash IS NOT NULL;
CREATE INDEX messages_by_subject    ON messages (subject_hash, date) WHERE subject_hash IS NOT NULL;
CREATE INDEX messages_orphan        ON messages (subject_hash) WHERE orphan = 1;
CREATE INDEX messages_unread        ON messages (id) WHERE flags & 1 = 0;
CREATE INDEX messages_answered      ON messages (id) WHERE flags & 2 <> 0;
CREATE INDEX messages_starred       ON messages (id) WHERE flags & 4 <> 0;
CREATE INDEX messages_draft         ON messages (id) WHERE flags & 8 <> 0;

-- Stretches of ids of which every one is taken, so that a million messages of one second do not probe each other.
CREATE TABLE crowded_ids (
  first INTEGER PRIMARY KEY,
  last  INTEGER NOT NULL
);

CREATE TABLE bodies (
  sequence INTEGER PRIMARY KEY,
  body     BLOB NOT NULL  -- repositories.compression.pack_body
);

CREATE TABLE raws (
  sequence INTEGER PRIMARY KEY,
  sha256   BLOB NOT NULL UNIQUE,
  frame    BLOB NOT NULL  -- repositories.compression.compress
);

CREATE TABLE participants (
  id             INTEGER PRIMARY KEY,
  name           TEXT NOT NULL,
  address        TEXT NOT NULL,
  folded_name    TEXT NOT NULL,  -- domain.words.fold
  folded_address TEXT NOT NULL,
  domain         INTEGER REFERENCES domains (id),
  UNIQUE (name, address)
);
CREATE INDEX participants_by_address ON participants (folded_address);

CREATE TABLE domains (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

CREATE TABLE message_participants (
  message     INTEGER NOT NULL REFERENCES messages (id),
  role        INTEGER NOT NULL,  -- domain.addresses.Role
  position    INTEGER NOT NULL,
  participant INTEGER NOT NULL REFERENCES participants (id),
  PRIMARY KEY (message, role, position)
) WITHOUT ROWID;
CREATE INDEX messages_by_participant ON message_participants (participant, role, message);

CREATE TABLE lists (
  id     INTEGER PRIMARY KEY,
  name   TEXT NOT NULL UNIQUE,
  folded TEXT NOT NULL
);

CREATE TABLE attachments (
  message    INTEGER NOT NULL REFERENCES messages (id),
  position   INTEGER NOT NULL,
  part       TEXT    NOT NULL,
  filename   TEXT    NOT NULL,
  folded     TEXT    NOT NULL,
  type       TEXT    NOT NULL,  -- MIME, lower case
  kind       TEXT    NOT NULL,  -- domain.media.Kind
  size       INTEGER NOT NULL,
  inline     INTEGER NOT NULL,
  content_id TEXT    NOT NULL,
  PRIMARY KEY (message, position)
) WITHOUT ROWID;

CREATE TABLE accounts (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  messages INTEGER NOT NULL DEFAULT 0,  -- each once, in however many mailboxes it lies
  oldest   INTEGER,
  newest   INTEGER
);

CREATE TABLE mailboxes (
  id        INTEGER PRIMARY KEY,
  account   INTEGER NOT NULL REFERENCES accounts (id),
  name      TEXT    NOT NULL,
  role      TEXT    NOT NULL DEFAULT '',
  messages  INTEGER NOT NULL DEFAULT 0,
  newest    INTEGER,
  refreshed INTEGER,
  UNIQUE (account, name)
);

CREATE TABLE placements (
  message INTEGER NOT NULL REFERENCES messages (id),
  mailbox INTEGER NOT NULL REFERENCES mailboxes (id),
  flags   INTEGER NOT NULL,
  PRIMARY KEY (message, mailbox)
) WITHOUT ROWID;
CREATE INDEX placements_by_mailbox ON placements (mailbox, message);
CREATE INDEX placements_unread     ON placements (mailbox, message) WHERE flags & 1 = 0;

CREATE TABLE problems (
  id       INTEGER PRIMARY KEY,
  message  INTEGER REFERENCES messages (id),
  locator  TEXT    NOT NULL,
  code     TEXT    NOT NULL,
  detail   TEXT    NOT NULL,
  recorded INTEGER NOT NULL,
  UNIQUE (locator, code, detail)
);
CREATE INDEX problems_by_message ON problems (message) WHERE message IS NOT NULL;

-- Every Message-ID seen, a message's own or one that it refers to, and the thread it belongs to. The thread may have
-- been joined to another since then: thread_aliases says to which, in one step.
CREATE TABLE thread_keys (
  hash   INTEGER PRIMARY KEY,
  thread INTEGER NOT NULL
);

CREATE TABLE threads (
  key      INTEGER PRIMARY KEY,
  messages INTEGER NOT NULL,
  gmail    TEXT  -- X-GM-THRID, which is believed: two threads that have different ones are never joined
);

CREATE TABLE thread_aliases (
  old    INTEGER PRIMARY KEY,
  thread INTEGER NOT NULL
);
CREATE INDEX thread_aliases_by_thread ON thread_aliases (thread);

-- Text in index form (domain.words.segment), and in `meta` the tokens of tokens.py for what never changes.
CREATE VIRTUAL TABLE search USING fts5 (
  subject, people, body, quoted, filenames, meta,
  content = '',
  tokenize = "unicode61 remove_diacritics 0 categories 'L* N* Co M*'"
);
INSERT INTO search (search, rank) VALUES
  ('hashsize', 67108864),  -- bytes; a batch is sorted in memory and written as one piece
  ('automerge', 0);        -- pieces are merged when an import has finished, and by FTS5 itself where there are many
