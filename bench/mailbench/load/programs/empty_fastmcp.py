"""A FastMCP server with one tool that does nothing, with what makes it quickest: plain JSON and no sessions. Runs in an
environment of its own (`mailbench.fastmcp_environment`).  Arguments: a port, or `stdio`."""

import sys

import uvicorn
from fastmcp import FastMCP  # type: ignore[import-not-found]  # it is no dependency of the project

server = FastMCP("empty")


@server.tool  # type: ignore[untyped-decorator]  # likewise
async def nothing() -> dict[str, int]:
    """Does nothing."""
    return {"done": 1}


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run(transport="stdio", show_banner=False)
        sys.exit()
    app = server.http_app(path="/mcp", json_response=True, stateless_http=True)
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
