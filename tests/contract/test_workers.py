"""Several worker processes behind one socket, as clients of either era meet them."""

import asyncio
import itertools
import json
import os
import signal
import socket
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp_types import ElicitRequestParams, ElicitResult

from contract.conftest import running_workers

JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
VERSION = "2025-11-25"
CONNECTIONS = 8
_ids = itertools.count(1)  # two requests of one session must not have the same at once


def message(method: str, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": next(_ids), "method": method, "params": params}


def ask_process(**more: object) -> dict[str, object]:
    return message("tools/call", name="process", arguments={}, **more)


def process_in(body: str) -> int:
    """The process id in an answer to `ask_process`, which may be an event of a stream."""
    lines = [line.removeprefix("data:").strip() for line in body.splitlines() if line.startswith(("data:", "{"))]
    answer = json.loads(next(line for line in lines if line.startswith("{")))
    return int(answer["result"]["structuredContent"]["text"])


async def bare_processes(url: str, connections: int = CONNECTIONS) -> list[int]:
    """Which process answers on each of so many connections that are open at once."""
    clients = [httpx2.AsyncClient(timeout=30) for _ in range(connections)]
    try:
        return [process_in((await client.post(url, json=ask_process())).text) for client in clients]
    finally:
        for client in clients:
            await client.aclose()


async def begin_session(url: str) -> dict[str, str]:
    """The headers of requests of a new session of the handshake era."""
    hello = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    async with httpx2.AsyncClient(timeout=30) as http:
        opened = await http.post(url, json=message("initialize", **hello), headers=JSON)
        headers = {**JSON, "MCP-Protocol-Version": VERSION, "Mcp-Session-Id": opened.headers["mcp-session-id"]}
        begun = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await http.post(url, json=begun, headers=headers)).status_code == 202
    return headers


async def session_process(http: httpx2.AsyncClient, url: str, session: dict[str, str]) -> int:
    answer = await http.post(url, json=ask_process(), headers=session)
    assert answer.status_code == 200, answer.text
    return process_in(answer.text)


async def sessions_of_both(url: str) -> list[tuple[int, dict[str, str]]]:
    """A session in each of two workers, with its process."""
    found: dict[int, dict[str, str]] = {}
    async with httpx2.AsyncClient(timeout=30) as http:
        while len(found) < 2:
            session = await begin_session(url)
            found[await session_process(http, url, session)] = session
    return list(found.items())


def raw(session: dict[str, str], body: dict[str, object]) -> tuple[bytes, bytes]:
    """The head and the body of a request."""
    content = json.dumps(body).encode()
    fields = {"Host": "127.0.0.1", **session, "Content-Length": str(len(content))}
    lines = ["POST /mcp HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n", content


async def test_connections_are_shared_out(workers_url: str) -> None:
    processes = await bare_processes(workers_url)
    counts = sorted(processes.count(each) for each in set(processes))
    assert len(counts) == 2
    assert counts[0] >= CONNECTIONS // 4


async def test_a_session_is_reached_by_any_connection(workers_url: str) -> None:
    for process, session in await sessions_of_both(workers_url):
        clients = [httpx2.AsyncClient(timeout=30) for _ in range(CONNECTIONS)]
        answered = await asyncio.gather(*(session_process(http, workers_url, session) for http in clients))
        assert set(answered) == {process}
        for http in clients:
            await http.aclose()


async def test_one_connection_serves_sessions_of_several_workers_in_turn(workers_url: str) -> None:
    """As that of a proxy does."""
    sessions = await sessions_of_both(workers_url)
    limits = httpx2.Limits(max_connections=1)
    async with httpx2.AsyncClient(timeout=30, limits=limits) as http:
        for _ in range(5):
            for process, session in sessions:
                assert await session_process(http, workers_url, session) == process
            assert (await http.post(workers_url, json=ask_process())).status_code == 200


@pytest.mark.parametrize("size", [7, 100_000])
async def test_a_request_in_pieces_gets_to_its_session(workers_url: str, size: int) -> None:
    port = urlsplit(workers_url).port
    filler = {"_meta": {"filler": "x" * 200_000}} if size > 1000 else {}
    body = ask_process(**filler)
    for process, session in await sessions_of_both(workers_url):
        for _ in range(3):
            sent = b"".join(raw({**session, "Connection": "close"}, body))
            async with await anyio.connect_tcp("127.0.0.1", port or 0) as stream:
                for start in range(0, len(sent), size):
                    await stream.send(sent[start : start + size])
                    await anyio.sleep(0)
                answer = b"".join([chunk async for chunk in stream])
            assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
            assert str(process).encode() in answer


async def test_requests_that_do_not_wait_for_answers_are_answered_or_refused(workers_url: str) -> None:
    """A connection is not moved while an answer is under way: the request may be sent again."""
    port = urlsplit(workers_url).port
    (_, one), (_, other) = await sessions_of_both(workers_url)
    sent = b"".join(part for session in (one, other) for part in raw(session, ask_process()))
    for _ in range(3):
        async with await anyio.connect_tcp("127.0.0.1", port or 0) as stream:
            await stream.send(sent)
            received = b""
            with anyio.fail_after(20):
                while received.count(b"HTTP/1.1 ") < 2 or b"Retry-After" not in received.title():
                    received += await stream.receive()
        assert [received.count(b"HTTP/1.1 200"), received.count(b"HTTP/1.1 503")] == [1, 1]


async def test_a_session_that_is_not_there_is_not_found(workers_url: str) -> None:
    (_, session), (_, other) = await sessions_of_both(workers_url)
    async with httpx2.AsyncClient(timeout=30) as http:
        worker, _, number = session["Mcp-Session-Id"].partition(".")
        elsewhere = f"{1 - int(worker)}.{number}"
        for named in ("0.nothing", "1.nothing", "7.nothing", "nothing", elsewhere):
            answer = await http.post(workers_url, json=ask_process(), headers={**session, "Mcp-Session-Id": named})
            assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Session not found")
        for ended in (session, other):
            assert (await http.delete(workers_url, headers=ended)).status_code == 200
            assert (await http.post(workers_url, json=ask_process(), headers=ended)).status_code == 404


async def test_questions_of_the_server_get_their_answers(workers_url: str) -> None:
    """The answer comes in on another connection than the question went out on."""

    async def answer(context: Any, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"which": "that"})

    for _ in range(6):
        async with Client(workers_url, mode="legacy", elicitation_callback=answer) as client:
            result = await client.call_tool("ask", {})
            assert result.structured_content == {"text": "accept {'which': 'that'}"}


async def test_giving_up_a_call_cancels_it_in_the_worker_of_its_session(workers_url: str) -> None:
    for _ in range(4):
        async with Client(workers_url, mode="legacy") as client:
            with anyio.fail_after(30):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(client.call_tool, "wait", {})
                    await client.call_tool("begun", {})
                    tasks.cancel_scope.cancel()
                await client.call_tool("waited", {})


async def test_what_is_killed_takes_nothing_else_with_it() -> None:
    with running_workers() as (url, supervisor):
        (one, session), (other, lasting) = await sessions_of_both(url)
        os.kill(one, signal.SIGKILL)
        async with httpx2.AsyncClient(timeout=30) as http:
            assert await session_process(http, url, lasting) == other
            answer = await http.post(url, json=ask_process(), headers=session)
            assert answer.status_code == 404
        with anyio.fail_after(30):
            while len(processes := set(await bare_processes(url))) < 2:
                assert processes == {other}
                await anyio.sleep(0.05)
        assert one not in processes

        supervisor.kill()
        supervisor.wait()
        with anyio.fail_after(30):
            while any(map(is_running, processes)):
                await anyio.sleep(0.02)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=1).close()
        supervisor.returncode = 0  # for whoever looks at how it ended


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
