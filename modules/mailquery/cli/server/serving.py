"""mailquery serve"""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from mailquery.cli.server.servers import serve_http, serve_stdio

HELP = """Serve MCP: over standard input and output to the client that started this program (the default where standard
input is no terminal), or over HTTP.

Examples:

```
mailquery serve --transport stdio
mailquery serve --transport http --port 8765
mailquery serve --transport http --workers 4
MAILQUERY_HOME=~/mail-archive mailquery serve
```
"""


class Transport(StrEnum):
    STDIO = "stdio"
    HTTP = "http"


def register(app: typer.Typer) -> None:
    app.command("serve", help=HELP)(serve)


def serve(
    transport: Annotated[
        Transport | None,
        typer.Option("--transport", help="stdio or http; the default is http on a terminal and where --port is given."),
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on (HTTP).")] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Port to listen on (HTTP).")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=256, help="Processes that answer (HTTP); the default is 1.")
    ] = None,
    conformance: Annotated[
        bool, typer.Option("--conformance", hidden=True, help="Add what the MCP conformance suite asks for (HTTP).")
    ] = False,
) -> None:
    if transport is None:
        listens = any(given is not None for given in (host, port, workers)) or sys.stdin.isatty()
        transport = Transport.HTTP if listens else Transport.STDIO
    if transport is Transport.HTTP:
        serve_http(host, port, workers, conformance=conformance)
        return
    if any(given is not None for given in (host, port, workers)) or conformance:
        raise typer.BadParameter("--host, --port and --workers are for --transport http.")
    serve_stdio()
