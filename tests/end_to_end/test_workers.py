"""The product by several worker processes: what is killed, what is told to all of them, and what they tell together."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from end_to_end.conftest import CONSENTED, CommandLine, letter, write_mbox
from end_to_end.listening import ERAS, over_http
from end_to_end.served import call, created
from mailquery.cli.output.exits import exit_code_for
from mcpkit.errors import ErrorCode
from support.worker_processes import command_of, workers_of

INBOX = "mail://mailbox/local/inbox"
PATIENCE = 40.0  # seconds
UNLIMITED = {"MAILQUERY_LIMITS__PRINCIPAL": "{}", "MAILQUERY_LIMITS__ADDRESS": "{}"}


class Served:
    """A running server of two workers, and the keys of two users of it."""

    def __init__(self, mailquery: CommandLine, url: str, metrics: int, supervisor: int, keys: dict[str, str]) -> None:
        self.mailquery = mailquery
        self.url = url
        self.keys = keys
        self._metrics = f"http://127.0.0.1:{metrics}/metrics"
        self._supervisor = supervisor

    def workers(self) -> list[int]:
        return workers_of(self._supervisor)

    async def kill(self, *numbers: int) -> None:
        """At once, when both are there; returns when both are there again."""
        killed = [(await self.settled())[number] for number in numbers]
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            while set(killed) & set(self.workers()):
                await asyncio.sleep(0.01)
        await self.settled()

    async def settled(self) -> list[int]:
        """The workers, when both answer."""
        async with asyncio.timeout(PATIENCE):
            while len(workers := self.workers()) < 2 or not all(map(_listens, workers)):
                await asyncio.sleep(0.05)
        return workers

    def figure(self, name: str) -> float:
        found = re.findall(rf"^{re.escape(name)} (\S+)$", httpx2.get(self._metrics).text, re.MULTILINE)
        return float(found[0])

    async def run(self, *arguments: str | Path) -> None:
        done = await asyncio.to_thread(self.mailquery, *arguments)
        assert done.code == 0, done.err


def _listens(process: int) -> bool:
    """Whether it answers on the socket of its own that other workers hand connections to."""
    found = re.search(rb'"number": (\d+).*"folder": "([^"]+)"', command_of(process))
    if found is None:
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(f"{found[2].decode()}/{found[1].decode()}")
        except OSError:
            return False
    return True


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("workers")
    mailquery = CommandLine(folder)
    assert mailquery("import", write_mbox(folder / "inbox.mbox", [letter(number) for number in range(20)])).code == 0
    keys = {user: created(mailquery, "--user", user, "--scope", "mail:read")["key"] for user in ("ana", "bo")}
    with socket.create_server(("127.0.0.1", 0)) as probe:
        metrics = probe.getsockname()[1]
    settings = {
        **CONSENTED,
        **UNLIMITED,
        "MAILQUERY_AUTH__STRATEGIES": "api-keys",
        "MAILQUERY_AUTH__USERS": json.dumps({user: ["*"] for user in keys}),
        "MAILQUERY_METRICS__PORT": str(metrics),
    }
    with _serving(mailquery, settings) as (url, process):
        yield Served(mailquery, url, metrics, process.pid, keys)


@contextmanager
def _serving(mailquery: CommandLine, settings: dict[str, str]) -> "Iterator[tuple[str, subprocess.Popen[str]]]":
    command = mailquery.command("serve", "--transport", "http", "--port", "0", "--workers", "2")
    log = mailquery.home.parent / "log"
    with log.open("w") as file, subprocess.Popen(command, env=mailquery.environment | settings, stderr=file) as process:
        try:
            until = time.monotonic() + PATIENCE
            while not (found := re.search(r"MCP at (http://\S+/mcp)", log.read_text())):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until
                time.sleep(0.05)
            yield found[1], process  # type: ignore[misc]  # its output is a file
        finally:
            process.terminate()
    assert process.returncode == 0
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("era", ERAS)
async def test_new_mail_is_announced_by_whatever_worker(served: Served, tmp_path: Path, era: str) -> None:
    async with over_http(served.url, served.keys["ana"], era) as ana:
        await ana.subscribe(INBOX)
        number = 100 + ERAS.index(era)
        await served.run("import", write_mbox(tmp_path / "inbox.mbox", [letter(number)]))
        assert await ana.next() == INBOX


async def test_workers_that_are_killed_under_load_cost_no_more_than_connections(served: Served) -> None:
    answered, cut, ending = Counter[str](), Counter[str](), asyncio.Event()

    async def keep_asking(user: str) -> None:
        async with httpx2.AsyncClient(timeout=60, headers={"Authorization": f"Bearer {served.keys[user]}"}) as http:
            number = 0
            while not ending.is_set():
                number = (number + 1) % 20
                params = {"name": "search_messages", "arguments": {"query": f"subject:{number}"}}
                body = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
                try:
                    answer = await http.post(served.url, json=body)
                except httpx2.TransportError as error:
                    cut[type(error).__name__] += 1
                    continue
                assert answer.status_code == 200, answer.text
                assert answer.json()["id"] == number
                (row,) = answer.json()["result"]["structuredContent"]["rows"]
                assert row["message_id"] == f"letter-{number}@example.org"
                answered[user] += 1
                await asyncio.sleep(0.02)  # the workers that start are to have a share of the machine

    restarts = served.figure("mcp_worker_restarts_total")
    asking = [asyncio.create_task(keep_asking(user)) for user in ("ana", "bo", "ana", "bo")]
    await asyncio.sleep(0.3)
    await served.kill(0)
    await served.kill(1)
    before = answered.total()
    async with asyncio.timeout(PATIENCE):
        while answered.total() < before + 20 and not any(task.done() for task in asking):
            await asyncio.sleep(0.02)
    ending.set()
    await asyncio.gather(*asking)
    assert cut.total() <= 2 * len(asking), cut  # what was under way in a worker when it was killed, and nothing else
    assert served.figure("mcp_worker_restarts_total") == restarts + 2
    assert served.figure("mcp_workers") == 2
    assert served.mailquery("audit", "verify").code == 0
    assert served.mailquery.count() >= 20


@pytest.fixture
async def session(served: Served) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the handshake era with a session of ana's."""
    accepted = {"Accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient(timeout=60, headers=accepted) as http:
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        http.headers["Authorization"] = f"Bearer {served.keys['ana']}"
        opened = await http.post(served.url, json=_request("initialize", hello))
        http.headers["Mcp-Session-Id"] = opened.headers["mcp-session-id"]
        http.headers["MCP-Protocol-Version"] = "2025-11-25"
        begun = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await http.post(served.url, json=begun)).status_code == 202
        yield http


def _request(method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


async def test_sessions_and_their_subscriptions_outlive_the_workers(
    served: Served, session: httpx2.AsyncClient, tmp_path: Path
) -> None:
    async with over_http(served.url, served.keys["ana"], "legacy") as ana:
        await ana.subscribe(INBOX)
        await served.kill(0, 1)
        # Its client asks for the stream again, and is told that it may have missed something.
        assert await ana.next() == INBOX
        await served.run("import", write_mbox(tmp_path / "inbox.mbox", [letter(120)]))
        assert await ana.next() == INBOX

    listing = _request("tools/list", {})
    theirs = {"authorization": f"Bearer {served.keys['bo']}"}
    for _ in range(4):  # by connections that any worker may accept
        async with httpx2.AsyncClient(timeout=60, headers={**session.headers, **theirs}) as other:
            assert (await other.post(served.url, json=listing)).status_code == 404
        async with httpx2.AsyncClient(timeout=60, headers=session.headers) as own:
            answer = await own.post(served.url, json=listing)
            assert (answer.status_code, "search_messages" in answer.text) == (200, True), answer.text
            assert answer.headers["mcp-session-id"] == session.headers["mcp-session-id"]
    assert (await session.delete(served.url)).status_code == 200
    assert (await session.post(served.url, json=listing)).status_code == 404


def test_calls_of_all_workers_are_counted_together(served: Served) -> None:
    counted = 'mcp_requests_total{method="tool",status="ok",tool="list_accounts"}'
    for _ in range(10):
        assert "result" in call(served.url, served.keys["bo"], "list_accounts")
    assert served.figure(counted) == 10


def test_what_is_wrong_with_an_archive_is_told_once(mailquery: CommandLine) -> None:
    mailquery.home.mkdir()
    (mailquery.home / "archive.db").write_bytes(b"this is no database" * 1000)
    done = mailquery("serve", "--transport", "http", "--port", "0", "--workers", "2")
    assert done.code == exit_code_for(ErrorCode.STORAGE_DAMAGED), done.err
    assert done.err.count("mailquery: ") == 1
    assert "Traceback" not in done.err
