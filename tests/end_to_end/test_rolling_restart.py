"""Two servers of one archive behind a real proxy are restarted one after the other, and no client notices."""

import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from mcp.client import Client

from end_to_end.conftest import CONSENTED, CommandLine
from end_to_end.proxy import NGINX, proxied
from support.ports import free_port

UNLIMITED = {"MAILQUERY_LIMITS__PRINCIPAL": "{}", "MAILQUERY_LIMITS__ADDRESS": "{}"}
PATIENCE = 60.0  # seconds
CALLS = 3  # of each client between two steps, at least

pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx")


class Instance:
    """One server, which can be restarted."""

    def __init__(self, mailquery: CommandLine, *options: str) -> None:
        self._mailquery = mailquery
        self.port = free_port()
        self._options = ("--port", str(self.port), *options)
        self._log = mailquery.home.parent / f"log-{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        await asyncio.to_thread(self._start)

    def _start(self) -> None:
        with self._log.open("w") as log:  # not a pipe, which a server that logs each request soon fills
            process = subprocess.Popen(
                self._mailquery.command("serve", "--transport", "http", *self._options),
                env={**self._mailquery.environment, **CONSENTED, **UNLIMITED},
                stderr=log,
            )
        self._process = process
        while "MCP at http" not in self._log.read_text():
            assert process.poll() is None, self._log.read_text()
            time.sleep(0.02)

    async def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return await asyncio.to_thread(self._process.wait)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


Ask = Callable[[int], Awaitable[str]]


@asynccontextmanager
async def by_bare_calls(url: str) -> AsyncIterator[Ask]:
    async with httpx2.AsyncClient(timeout=60) as http:

        async def ask(number: int) -> str:
            arguments = {"query": f"subject:{number}"}
            params = {"name": "search_messages", "arguments": arguments}
            body = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
            answer = await http.post(url, json=body)
            assert answer.status_code == 200, answer.text
            found: str = answer.json()["result"]["structuredContent"]["rows"][0]["message_id"]
            return found

        yield ask


@asynccontextmanager
async def by_the_official_client(url: str, era: str) -> AsyncIterator[Ask]:
    async with Client(url, mode=era) as client:

        async def ask(number: int) -> str:
            result = await client.call_tool("search_messages", {"query": f"subject:{number}"})
            assert not result.is_error, result.content
            row = result.structured_content["rows"][0]
            read = await client.call_tool("read_message", {"id": row["id"]})
            assert not read.is_error, read.content
            found: str = row["message_id"]
            return found

        yield ask


@pytest.fixture
def instances(filled: CommandLine) -> Iterator[tuple[Instance, Instance]]:
    both = Instance(filled, "--workers", "2"), Instance(filled)
    yield both
    for each in both:
        each.end()


async def test_no_request_fails_while_two_servers_are_restarted(
    filled: CommandLine, instances: tuple[Instance, Instance], tmp_path: Path
) -> None:
    one, other = instances
    await asyncio.gather(one.start(), other.start())
    folder = tmp_path / "nginx"
    folder.mkdir()
    answered, failed = Counter[str](), list[str]()
    ending = asyncio.Event()

    async def keep_asking(name: str, ask: Ask) -> None:
        number = 0
        while not ending.is_set():
            number = (number + 1) % 20
            try:
                found = await ask(number)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not happen
                failed.append(f"{name}: {error!r}")
            else:
                assert found == f"letter-{number}@example.org"
                answered[name] += 1
            await asyncio.sleep(0.1)

    async def more(names: list[str]) -> None:
        before, until = answered.copy(), time.monotonic() + PATIENCE
        while any(answered[name] < before[name] + CALLS for name in names):
            assert time.monotonic() < until, f"no more answers: {answered - before}, after {before}; {failed}"
            await asyncio.sleep(0.02)

    with proxied(folder, [one.port, other.port]) as url:
        async with (
            by_bare_calls(url) as bare,
            by_the_official_client(url, "auto") as modern,
            by_the_official_client(url, "legacy") as first,
            by_the_official_client(url, "legacy") as second,
        ):
            clients = {"bare": bare, "modern": modern, "legacy": first, "another legacy": second}
            asking = [asyncio.create_task(keep_asking(name, ask)) for name, ask in clients.items()]
            for instance in (one, other):
                await more(list(clients))
                assert await instance.stop() == 0
                await more(list(clients))
                await instance.start()
            await more(list(clients))
            ending.set()
            await asyncio.gather(*asking)
    assert failed == []
    for instance in (one, other):
        assert await instance.stop() == 0
    assert filled("audit", "verify").code == 0
