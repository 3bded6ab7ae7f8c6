"""The test server over HTTP as a process: `python http_server.py PORT` prints its URL."""

import sys

import anyio

from contract.catalogue import build_catalogue
from mcpkit.errors import Fault
from mcpkit.logs import set_up_logging
from mcpkit.protocol.identity import LocalUser
from mcpkit.protocol.pipeline import build_pipeline
from mcpkit.protocol.server import build_server
from mcpkit.security.audit import LogAudit
from mcpkit.transport.http.application import HttpSettings, run_http


async def main(port: int) -> None:
    server = build_server(build_catalogue(), build_pipeline(LocalUser("tester"), LogAudit()))
    # Who started this process reads the URL from its output.
    await run_http(server, HttpSettings(port=port), on_ready=lambda url: print(url, flush=True))  # noqa: T201


if __name__ == "__main__":
    set_up_logging("warning")
    try:
        anyio.run(main, int(sys.argv[1]))
    except Fault as fault:
        sys.exit(fault.message)
