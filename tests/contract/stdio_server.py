"""The test server as a process: `python stdio_server.py`."""

from mcpkit.transport.stdio.descriptors import take_standard_streams

wire = take_standard_streams()

import anyio  # noqa: E402 - the streams are taken before anything else is imported

from contract.catalogue import build_catalogue  # noqa: E402
from mcpkit.logs import set_up_logging  # noqa: E402
from mcpkit.protocol.identity import LocalUser  # noqa: E402
from mcpkit.protocol.pipeline import build_pipeline  # noqa: E402
from mcpkit.protocol.server import build_server  # noqa: E402
from mcpkit.security.audit import LogAudit  # noqa: E402
from mcpkit.transport.stdio.server import run_stdio  # noqa: E402

if __name__ == "__main__":
    set_up_logging("warning")
    print("this must not reach the protocol")  # noqa: T201
    server = build_server(build_catalogue(), build_pipeline(LocalUser("tester"), LogAudit()))
    anyio.run(run_stdio, server, wire)
