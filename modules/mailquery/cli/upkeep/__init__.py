"""The commands that look after the archive."""
