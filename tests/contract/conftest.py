"""The test server on each transport, for the official client of either era."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from contract.catalogue import build_catalogue
from mcpkit.protocol.identity import LocalUser
from mcpkit.protocol.pipeline import build_pipeline
from mcpkit.protocol.server import build_server
from mcpkit.security.audit import LogAudit

HERE = Path(__file__).parent
ERAS = {"legacy": "legacy", "modern": "auto"}
TRANSPORTS = ("memory", "http", "workers", "stdio")


def server_environment() -> dict[str, str]:
    """Of a test server's process: the paths of this one."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), *filter(None, sys.path)])}


@pytest.fixture(scope="session")
def http_url() -> Iterator[str]:
    """The URL of a server that runs in a process of its own, with uvicorn, on a free port."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "http_server.py"), "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=server_environment(),
    )
    with process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()
        assert process.wait(10) == 0


@contextmanager
def running_workers(count: int = 2, drain: float = 0.0) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The URL of a server with several worker processes, and the process of their supervisor."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "worker_server.py"), str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**server_environment(), "TEST_DRAIN_SECONDS": str(drain)},
    )
    with process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.terminate()
        assert process.wait(10) == 0


@pytest.fixture(scope="session")
def workers_url() -> Iterator[str]:
    with running_workers() as (url, _):
        yield url


@pytest.fixture(scope="module", params=[f"{transport}-{era}" for transport in TRANSPORTS for era in ERAS])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """One connection for all tests of a module: nothing that a call does may spoil the next."""
    transport, _, era = str(request.param).partition("-")
    target: Any = None
    if transport in ("http", "workers"):
        target = request.getfixturevalue(f"{transport}_url")
    elif transport == "stdio":
        target = StdioServerParameters(
            command=sys.executable, args=[str(HERE / "stdio_server.py")], env=server_environment()
        )
    else:
        target = build_server(build_catalogue(), build_pipeline(LocalUser("tester"), LogAudit()))
    async with Client(target, mode=ERAS[era]) as connected:
        yield connected
