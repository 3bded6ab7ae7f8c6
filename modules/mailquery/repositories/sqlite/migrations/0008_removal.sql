-- Taking messages out of the archive.

INSERT INTO facts (name, value) VALUES
  ('last_sequence', 0),  -- the highest that a removed message had: none is given twice
  ('removals', 0);       -- grows with every removal: what was remembered of participants and words may be wrong

-- 64 bits of what `search` was given for a message. The index keeps no text, and gives a message up only for the very
-- text that it was given: where the stored message makes another one, or nothing is written here, its words stay.
CREATE TABLE indexed (
  id     INTEGER PRIMARY KEY,
  digest INTEGER NOT NULL
);

-- Row ids of messages that are no more and whose words are in the index still. No other message gets them until the
-- index was made anew.
CREATE TABLE removed (
  id INTEGER PRIMARY KEY
);

-- Chunks of the blocks that are of no message any more. They are overwritten, and keep their places.
ALTER TABLE embedding ADD COLUMN emptied INTEGER NOT NULL DEFAULT 0;

-- An index that is half rebuilt has no digests: it is begun anew.
DELETE FROM facts WHERE name IN ('rebuilt_form', 'rebuilt_through');

-- Further ids of a message: it was stored twice, once in part, until the rest of that was fetched.
CREATE TABLE message_aliases (
  key     INTEGER PRIMARY KEY,  -- of a public id, as messages.key
  message INTEGER NOT NULL REFERENCES messages (id)
);
CREATE INDEX message_aliases_by_message ON message_aliases (message);
CREATE VIEW message_keys AS
  SELECT key, id AS message FROM messages UNION ALL SELECT key, message FROM message_aliases;
