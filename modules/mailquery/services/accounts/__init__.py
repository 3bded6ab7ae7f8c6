"""Accounts on mail servers."""
