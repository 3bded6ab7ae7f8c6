-- What can be read in attachments.

-- Each content once, in however many messages it lies. Where it is extracted anew, there is a new row, and each
-- attachment goes over to that by itself: what the index was given for a message can be made again at any time.
CREATE TABLE contents (
  id       INTEGER PRIMARY KEY,
  sha256   BLOB    NOT NULL,
  form     INTEGER NOT NULL,  -- domain.extraction.EXTRACTION_FORM; -id of one that is to be extracted anew
  size     INTEGER NOT NULL,  -- bytes
  type     TEXT    NOT NULL,
  state    TEXT    NOT NULL,  -- domain.extraction.ExtractionState
  detail   TEXT    NOT NULL,
  facts    TEXT    NOT NULL,  -- JSON: pairs of a name and a value
  sections BLOB    NOT NULL,  -- repositories.compression.pack_sections
  UNIQUE (sha256, form)
);

-- `pending`: to be looked at. One that is not, and has no content, is of a type that the operator's policy withholds.
-- `given` is what of its text the index has: domain.policy.Readable, and 4 more where the message's texts are too long
-- for all of it.
ALTER TABLE attachments ADD COLUMN content INTEGER REFERENCES contents (id);
ALTER TABLE attachments ADD COLUMN pending INTEGER NOT NULL DEFAULT 1;
ALTER TABLE attachments ADD COLUMN given   INTEGER NOT NULL DEFAULT 0;
CREATE INDEX attachments_by_content ON attachments (content, given);
CREATE INDEX attachments_pending    ON attachments (message) WHERE pending = 1;

-- The policy on attachments (domain.policy) that the texts in the index are given out by; NULL while that changes.
-- Where it is not that of a process, that process finds nothing by them.
ALTER TABLE policy ADD COLUMN attachments TEXT DEFAULT '';
