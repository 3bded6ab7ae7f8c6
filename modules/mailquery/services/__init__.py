"""One class per use case: plain Python that knows no MCP, no SQL and no HTTP."""
