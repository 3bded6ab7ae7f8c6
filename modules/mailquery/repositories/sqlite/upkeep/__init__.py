"""Backups of an archive, its verification, and what is made good."""
