"""Credentials at rest, and the keys for them."""
