"""STDIO at the level of bytes: a real process, its pipes and its end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.file import FileReadStream

from contract.catalogue import Waiting, build_catalogue
from contract.conftest import HERE, server_environment
from mcpkit.protocol.identity import LocalUser
from mcpkit.protocol.pipeline import build_pipeline
from mcpkit.protocol.server import build_server
from mcpkit.security.audit import LogAudit
from mcpkit.transport.stdio.descriptors import Wire
from mcpkit.transport.stdio.server import run_stdio

COMMAND = [sys.executable, str(HERE / "stdio_server.py")]
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def request(request_id: int, method: str, **params: object) -> bytes:
    """A request of 2026-07-28, as a line."""
    body = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": {**params, "_meta": ENVELOPE}}
    return json.dumps(body).encode() + b"\n"


class Talk:
    def __init__(self, process: Process) -> None:
        assert process.stdout is not None
        self.process = process
        self._answers = BufferedByteReceiveStream(process.stdout)

    async def send(self, line: bytes) -> None:
        assert self.process.stdin is not None
        await self.process.stdin.send(line)

    async def answer(self) -> dict[str, Any]:
        with anyio.fail_after(10):
            line = await self._answers.receive_until(b"\n", 10_000_000)
        answer: dict[str, Any] = json.loads(line)
        return answer


@asynccontextmanager
async def talking() -> AsyncIterator[Talk]:
    process = await anyio.open_process(COMMAND, stderr=subprocess.DEVNULL, env=server_environment())
    async with process:
        yield Talk(process)


async def test_nothing_but_protocol_reaches_standard_output(tmp_path: Path) -> None:
    """The test server prints before it serves; that goes to standard error."""
    lines = tmp_path / "in"
    lines.write_bytes(request(1, "tools/call", name="who_calls"))
    with lines.open("rb") as source:  # a regular file, which cannot be waited for
        done = await anyio.run_process(COMMAND, stdin=source, env=server_environment())
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1]
    assert b"this must not reach the protocol" in done.stderr


async def test_what_was_asked_before_the_input_ended_is_answered() -> None:
    sent = b"".join(request(number, "tools/call", name="count_down") for number in range(20))
    done = await anyio.run_process(COMMAND, input=sent, env=server_environment())
    assert sorted(json.loads(line)["id"] for line in done.stdout.splitlines()) == list(range(20))


async def test_malformed_lines_are_answered_and_the_server_goes_on() -> None:
    async with talking() as talk:
        for line, code in (
            (b"{not json", -32700),
            (b"\xff\xfe", -32700),
            (b'{"a": NaN}', -32700),
            (b"[" * 5000, -32700),
            (b"[]", -32600),
            (b"7", -32600),
            (b'{"id": 9, "method": "ping"}', -32600),
        ):
            await talk.send(line + b"\n")
            assert (await talk.answer())["error"]["code"] == code
        await talk.send(b"\n   \r\n" + request(1, "tools/list"))
        assert (await talk.answer())["id"] == 1


@pytest.mark.parametrize("named", [[], {}, [1], {"a": 1}, 1.5, True, None])
async def test_a_cancellation_that_names_no_request_is_ignored(named: object) -> None:
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": named}}
    async with talking() as talk:
        await talk.send(json.dumps(cancelled).encode() + b"\n" + request(7, "tools/call", name="who_calls"))
        assert (await talk.answer())["id"] == 7


async def test_a_request_that_is_malformed_gets_its_own_id_back() -> None:
    async with talking() as talk:
        await talk.send(b'{"id": 9, "method": 3}\n')
        assert (await talk.answer())["id"] == 9


async def test_an_oversized_line_is_refused_and_the_server_goes_on() -> None:
    async with talking() as talk:
        for _ in range(6):
            await talk.send(b"x" * 1_000_000)
        await talk.send(b"\n")
        assert (await talk.answer())["error"]["code"] == -32600
        await talk.send(request(2, "tools/list"))
        assert (await talk.answer())["id"] == 2


async def test_errors_have_the_codes_of_the_protocol() -> None:
    async with talking() as talk:
        for method, params, code in (
            ("nothing", {}, -32601),
            ("tools/call", {"name": "nothing"}, -32602),
            ("tools/call", {}, -32602),
            ("tools/call", {"name": "list_rows", "arguments": 3}, -32602),
            ("tools/list", {"cursor": "x"}, -32602),
            ("resources/read", {"uri": "test://nothing"}, -32602),
        ):
            await talk.send(request(1, method, **params))
            assert (await talk.answer())["error"]["code"] == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_server_even_while_a_call_runs(number: signal.Signals) -> None:
    async with talking() as talk:
        await talk.send(request(1, "tools/call", name="wait") + request(2, "tools/list"))
        assert (await talk.answer())["id"] == 2
        talk.process.send_signal(number)
        with anyio.fail_after(10):
            assert await talk.process.wait() == 0


def test_the_server_ends_when_nobody_reads_its_answers() -> None:
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=server_environment()
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(request(1, "tools/list"))
        process.stdin.flush()
        assert process.stdout.readline()
        process.stdout.close()
        process.stdin.write(request(2, "tools/list"))
        process.stdin.flush()
        assert process.wait(10) == 0


async def test_a_cancelled_call_ends_its_handler_and_is_not_answered() -> None:
    waiting = Waiting()
    server = build_server(build_catalogue(waiting), build_pipeline(LocalUser("tester"), LogAudit()))
    their_input, our_output = os.pipe()
    our_input, their_output = os.pipe()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run_stdio, server, Wire(their_input, their_output))
        os.write(our_output, request(1, "tools/call", name="wait"))
        await waiting.started.wait()
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
        os.write(our_output, json.dumps(cancel).encode() + b"\n" + request(2, "tools/list"))
        answers = BufferedByteReceiveStream(FileReadStream(os.fdopen(our_input, "rb", buffering=0)))
        assert json.loads(await answers.receive_until(b"\n", 1_000_000))["id"] == 2
        assert waiting.cancelled.is_set()
        os.close(our_output)
    os.close(their_input)
    os.close(their_output)
    await answers.aclose()
