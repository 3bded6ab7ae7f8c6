"""The STDIO transport."""
