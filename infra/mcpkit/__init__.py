"""What an MCP server of ours stands on: configuration, errors, database, protocol, transport. Knows no mail."""
