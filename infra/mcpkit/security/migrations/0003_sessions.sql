-- Sessions of HTTP clients, so that one outlives the process that it was begun in. `handshake` is the request that began
-- it, `watched` is a JSON list of the resources that it subscribed to, and `owner` a digest of whose it is.
CREATE TABLE http_sessions (
  session   TEXT PRIMARY KEY,
  owner     TEXT NOT NULL,
  handshake BLOB NOT NULL,
  watched   TEXT NOT NULL DEFAULT '[]',
  used      REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX http_sessions_by_used ON http_sessions (used);
