"""The commands that serve, and ask a server."""
