"""Keeping accounts in step with their servers."""
