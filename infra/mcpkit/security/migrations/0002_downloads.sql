-- The tickets of downloads that were used. What expired is taken out again: it opens nothing any more.
CREATE TABLE used_tickets (
  ticket  TEXT PRIMARY KEY,
  expires REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX used_tickets_by_expires ON used_tickets (expires);
