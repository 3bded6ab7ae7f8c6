"""Bytes in, bytes out: STDIO and HTTP."""
