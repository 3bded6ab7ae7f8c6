"""The repositories on SQLite and FTS5."""
