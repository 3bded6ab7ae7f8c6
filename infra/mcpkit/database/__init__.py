"""Databases: SQLite with one writer and several readers, and versioned migrations."""
