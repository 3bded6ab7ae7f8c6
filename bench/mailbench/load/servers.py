"""The servers that are loaded: mailquery as a user starts it, and what it is compared with, each a process."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mailbench import commands
from mailbench.fastmcp_environment import fastmcp_python

OURS = "mailquery"
_HOST = "127.0.0.1"
_STARTS_WITHIN = 120.0  # seconds
_ENDS_WITHIN = 20.0
_SERVES = b"mailquery serves MCP at "  # said when all workers answer
PROGRAMS = Path(__file__).with_name("programs")

NOT_IN_THE_WAY = {
    "MAILQUERY_LIMITS__PRINCIPAL__REQUESTS_PER_MINUTE": "1000000000",
    "MAILQUERY_LIMITS__PRINCIPAL__BURST": "1000000000",
    "MAILQUERY_LIMITS__PRINCIPAL__CONCURRENT": "1000000",
    "MAILQUERY_LIMITS__PRINCIPAL__CHARACTERS_PER_HOUR": "1000000000000000",
    "MAILQUERY_CONSENT__HTTP": "granted",
    "MAILQUERY_CONSENT__GRANTED_BY": "bench/load",
    "MAILQUERY_CONSENT__REASON": "its archive is made up",
}
"""One caller makes more calls than any person's assistant does: the limits are counted, and set so high that they never
refuse one. Nobody is there to be asked for consent."""


class NotStarted(Exception):
    """A server ended or did not answer; the message has the end of what it wrote."""


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    url: str
    pid: int


@contextmanager
def mailquery(home: Path, *, workers: int = 1, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Serves the archive in `home`. What it keeps of callers begins anew."""
    for old in home.glob("control.db*"):
        old.unlink()
    (home / "audit.head").unlink(missing_ok=True)
    environment = {**commands.environment(home), **NOT_IN_THE_WAY, **(settings or {})}
    port = _free_port()
    command = [sys.executable, "-m", "mailquery", "serve", "--transport", "http", "--port", str(port)]
    if workers > 1:
        command += ["--workers", str(workers)]
    with _running(OURS, command, environment, port, "/mcp", _SERVES) as server:
        yield server


@contextmanager
def fastmcp() -> Iterator[Server]:
    port = _free_port()
    command = [str(fastmcp_python()), str(PROGRAMS / "empty_fastmcp.py"), str(port)]
    with _running("FastMCP, empty tool", command, dict(os.environ), port, "/mcp") as server:
        yield server


@contextmanager
def starlette(recordings: Path, home: Path) -> Iterator[Server]:
    port = _free_port()
    command = [sys.executable, "-m", "mailbench.load.programs.bare_starlette", str(port), str(recordings), str(home)]
    with _running("bare Starlette, same SQL", command, dict(os.environ), port, "/call") as server:
        yield server


@contextmanager
def echo() -> Iterator[Server]:
    port = _free_port()
    command = [sys.executable, "-m", "mailbench.load.programs.raw_echo", str(port)]
    with _running("raw ASGI echo", command, dict(os.environ), port, "/") as server:
        yield server


@contextmanager
def _running(
    name: str, command: Sequence[str], environment: Mapping[str, str], port: int, path: str, says: bytes = b""
) -> Iterator[Server]:
    """Until it answers, and has written what it `says` once all of it is there."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + _STARTS_WITHIN
            while not (_answers(port) and says in _written(log)):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise NotStarted(f"{name}: {_written(log)[-2_000:].decode(errors='replace')}")
                time.sleep(0.05)
            yield Server(name, f"http://{_HOST}:{port}{path}", process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _written(log: IO[bytes]) -> bytes:
    # Not `seek`: the process writes at the same place in the file.
    return os.pread(log.fileno(), os.fstat(log.fileno()).st_size, 0)


def _answers(port: int) -> bool:
    """Whether anything answers HTTP there, with whatever status."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=5)
    try:
        connection.request("GET", "/health")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as listener:
        return int(listener.getsockname()[1])
