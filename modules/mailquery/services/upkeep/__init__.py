"""Looking after an archive."""
