"""The HTTP server as a process that things happen to: what it answers, holds and logs meanwhile."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from end_to_end.conftest import CONSENTED, CommandLine
from support import planted

PATIENCE = 30.0  # seconds for what takes a fraction of one on a machine that does nothing else
# What a server does beside its answers would only make the tests slower.
QUIET = {
    **CONSENTED,
    "MAILQUERY_MEANING__ENABLED": "false",
    "MAILQUERY_EXTRACTION__ENABLED": "false",
    "MAILQUERY_SYNC__BACKGROUND": "false",
    "MAILQUERY_LOG__LEVEL": "warning",
    "MAILQUERY_LOG__FORM": "json",
    "MAILQUERY_LIMITS__PRINCIPAL": "{}",
}


_VERSION = "2025-06-18"
_STREAMS = {"Accept": "application/json, text/event-stream"}


def session_fields(session: str) -> dict[str, str]:
    """The header fields of a request in a session, which is answered by a stream of events."""
    return {**_STREAMS, "Mcp-Session-Id": session, "MCP-Protocol-Version": _VERSION}


class Server:
    """A running one. What it logs is kept in a file: a full pipe would be a fault of the test's."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self._log = log
        self.url = self._announced()
        self.root = self.url.removesuffix("/mcp")
        self.port = int(self.root.rpartition(":")[2])
        self._http = httpx2.Client(timeout=60)

    def _announced(self) -> str:
        found: list[str] = []

        def look() -> bool:
            assert self.process.poll() is None, self.log()
            found.extend(re.findall(r"MCP at (http://\S+/mcp)", self.log()))
            return bool(found)

        until(look, "the server says where it is")
        return found[0]

    def call(self, tool: str, **arguments: object) -> Any:
        """The structured content: of an answer, or of an error under `error`."""
        answer = self.post({"name": tool, "arguments": arguments})
        assert "result" in answer, answer
        return answer["result"]["structuredContent"]

    def post(self, params: Mapping[str, object], method: str = "tools/call") -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self._http.post(self.url, json=body)
        assert answer.status_code in (200, 400), (answer.status_code, answer.text)
        return answer.json()

    def use(self, credential: str) -> None:
        """Asks with it from now on."""
        self._http.headers["Authorization"] = f"Bearer {credential}"

    def status(self, credential: str) -> int:
        """That of the answer to who has it."""
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_accounts"}}
        return self._http.post(self.url, json=body, headers={"Authorization": f"Bearer {credential}"}).status_code

    def fetch(self, link: str) -> httpx2.Response:
        return self._http.get(link)

    def session(self) -> str:
        """The id of a new one."""
        about = {"protocolVersion": _VERSION, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}
        opened = self._http.post(self.url, json=hello, headers=_STREAMS)
        assert opened.status_code == 200, opened.text
        session: str = opened.headers["mcp-session-id"]
        begun = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        self._http.post(self.url, json=begun, headers=session_fields(session))
        return session

    def in_session(self, session: str) -> httpx2.Response:
        """What a request in it is answered."""
        body = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        return self._http.post(self.url, json=body, headers=session_fields(session))

    def search(self, query: str, **arguments: object) -> list[str]:
        """The subjects that are found. An error fails the test."""
        found = self.call("search_messages", query=query, **arguments)
        assert "error" not in found, found
        return [row["subject"] for row in found["rows"]]

    def error(self, tool: str, **arguments: object) -> str | None:
        """The code of the error, or None for an answer."""
        error = self.call(tool, **arguments).get("error")
        return None if error is None else str(error["code"])

    def ready(self) -> tuple[int, dict[str, str]]:
        """The status of the answer, and that of each check."""
        answer = self._http.get(f"{self.root}/ready")
        return answer.status_code, {name: each["status"] for name, each in answer.json()["checks"].items()}

    def is_alive(self) -> bool:
        return self._http.get(f"{self.root}/health").status_code == 200

    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def memory(self) -> int:
        return memory(self.process.pid)

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def kill(self) -> None:
        """As the system does it that runs out of memory."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def end(self) -> None:
        self._http.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("the server does not end") from None


@contextmanager
def serving(mailquery: CommandLine, *wrapper: str, **environment: str) -> Iterator[Server]:
    """On a free port of this machine, begun by `wrapper`. Whatever happened to it, it ends when it is told to, and logs
    no mail."""
    log = mailquery.home.parent / f"log-{time.monotonic_ns()}"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*wrapper, *mailquery.command("serve", "--transport", "http", "--port", "0")],
            env=mailquery.environment | QUIET | environment,
            stderr=errors,
        )
    with process:
        try:
            server = Server(process, log)
            try:
                yield server
            finally:
                server.end()
        except BaseException:
            process.kill()
            raise
    logged = log.read_text("utf-8", "replace")
    assert not [what for what, value in planted.PLANTED.items() if value in logged]


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


def memory(process: int, field: str = "VmRSS") -> int:
    """Resident bytes of a process, or those of another field of proc_pid_status(5)."""
    text = Path(f"/proc/{process}/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024
