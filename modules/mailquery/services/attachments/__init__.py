"""Attached files, and what is read in them."""
