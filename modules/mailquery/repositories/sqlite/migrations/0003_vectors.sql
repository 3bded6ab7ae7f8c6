-- Search by meaning: the vectors of messages.
--
-- Messages are embedded in the order of their sequence, so that one number says how far it has come. With another model
-- it begins anew at the first message: what the earlier one left behind `through` is not looked at, and is written over.

CREATE TABLE embedding (
  only        INTEGER PRIMARY KEY CHECK (only = 1),
  model       TEXT    NOT NULL,  -- embedding.interfaces.Embedder.name; empty before the first
  dimensions  INTEGER NOT NULL,
  through     INTEGER NOT NULL,  -- the sequence up to which messages are embedded
  messages    INTEGER NOT NULL,  -- so many are
  chunks      INTEGER NOT NULL,
  first_block INTEGER NOT NULL   -- of the current model: those before it are waste
);
INSERT INTO embedding VALUES (1, '', 0, 0, 0, 0, 1);

-- int8[dimensions] for each chunk of the message, one behind the other; empty for a message without any text. A vector
-- is scaled so that its largest number is 127: its direction counts, and not its length.
CREATE TABLE vectors (
  sequence INTEGER PRIMARY KEY,
  vectors  BLOB NOT NULL
);

-- The signs of the same vectors, which are held in memory and searched first. Blocks are filled one after the other.
CREATE TABLE vector_blocks (
  block     INTEGER PRIMARY KEY,
  chunks    INTEGER NOT NULL,
  sequences BLOB    NOT NULL,  -- uint32[chunks], little endian: the message of each
  codes     BLOB    NOT NULL   -- a bit for each dimension (1 where it is positive), padded to 8 bytes
);
