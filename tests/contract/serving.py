"""The test server over HTTP in this process, so that a test can see what its handlers see."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import uvicorn

from contract.catalogue import Waiting, build_catalogue
from mcpkit.protocol.identity import AuthenticatedCaller, LocalUser
from mcpkit.protocol.pipeline import build_pipeline
from mcpkit.protocol.server import build_server
from mcpkit.security.audit import LogAudit
from mcpkit.transport.http.application import HttpSettings, build_app
from mcpkit.transport.http.door.authentication import Guard
from mcpkit.transport.http.state import HttpState


@asynccontextmanager
async def served(
    waiting: Waiting | None = None, state: HttpState | None = None, guard: Callable[[str], Guard] | None = None
) -> AsyncIterator[str]:
    """The server's URL, without a path. `guard` makes its door from the URL of its endpoint."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    identity = AuthenticatedCaller() if guard else LocalUser("tester")
    server = build_server(build_catalogue(waiting), build_pipeline(identity, LogAudit()))
    door = guard(f"{url}/mcp") if guard else None
    settings = HttpSettings()
    app = build_app(server, settings, state, guard=door)
    runner = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=1)
    )
    ready = anyio.Event()
    startup = runner.startup

    async def started(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        ready.set()

    runner.startup = started  # type: ignore[method-assign] # uvicorn has no event for it
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(runner._serve, [listener])
        await ready.wait()
        try:
            yield url
        finally:
            runner.should_exit = True
    if door is not None:
        await door.close()
