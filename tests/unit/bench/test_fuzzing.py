"""The fuzzer makes the same requests again, and finds what is planted: a check that finds nothing is none."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # has no stubs

from mailbench.fuzzing import exchange
from mailbench.fuzzing.arguments import Known, broken_arguments, right_arguments
from mailbench.fuzzing.exchange import exchange_with
from mailbench.fuzzing.http_requests import HttpCase, http_case
from mailbench.fuzzing.lines import line_case
from mailbench.fuzzing.oracle import Oracle, messages_in
from mailbench.fuzzing.wire import post

SECRET = b"a-planted-secret"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "maxLength": 20},
        "limit": {"type": "integer", "minimum": 1, "maximum": 9},
        "order": {"enum": ["newest", "oldest"], "type": "string"},
        "deep": {"type": "boolean"},
    },
}
KNOWN = Known(
    tools={"read": SCHEMA},
    texts={"": ["word"], "id": ["m1"], "cursor": ["abc"]},
    uris=["mail://accounts"],
    prompts={"explain": ["topic"]},
)


def test_the_same_seed_makes_the_same_requests() -> None:
    def http(seed: int) -> list[bytes]:
        return [http_case(random.Random(f"{seed} {number}"), number, KNOWN).sent for number in range(300)]

    def stdio(seed: int) -> list[tuple[bytes, ...]]:
        return [
            line_case(random.Random(f"{seed} {number}"), number, KNOWN, is_modern=True).sent for number in range(300)
        ]

    assert http(1) == http(1) != http(2)
    assert stdio(1) == stdio(1) != stdio(2)


def test_every_kind_of_malformation_is_made() -> None:
    http = Counter(http_case(random.Random(number), number, KNOWN).kind for number in range(4_000))
    assert len([kind for kind in http if kind.startswith("http:")]) == 14
    assert len([kind for kind in http if kind.startswith("tool:")]) == 3
    lines = Counter(line_case(random.Random(n), n, KNOWN, is_modern=True).kind for n in range(4_000))
    assert len([kind for kind in lines if kind.startswith("line:")]) == 9


def test_right_arguments_fit_the_schema_and_broken_ones_do_not() -> None:
    validator = Draft202012Validator(SCHEMA)
    right = [right_arguments(random.Random(number), SCHEMA, KNOWN) for number in range(200)]
    assert all(validator.is_valid(arguments) for arguments in right)
    broken = [broken_arguments(random.Random(number), SCHEMA, KNOWN) for number in range(200)]
    assert sum(not validator.is_valid(arguments) for arguments in broken) > 180


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"all is well", []),
        (b"x " + SECRET + b" y", ["an answer has the safe"]),
        (b"x YS1wbGFudGVkLXNlY3JldA y", ["an answer has the safe"]),
        (b'Traceback (most recent call last):\n  File "a.py"', ["an answer tells of an exception"]),
        (b"sqlite3.OperationalError: no such column", ["an answer tells of an exception"]),
        (b'fts5: syntax error near "x"', ["an answer tells of an exception"]),
        (b"VALIDATION_ERROR: `limit` must be 1 or more", []),
    ],
)
def test_secrets_and_exceptions_in_an_answer_are_found(answer: bytes, found: list[str]) -> None:
    oracle = Oracle({"the safe": SECRET})
    oracle.received("kind", 1, answer)
    assert list(oracle.found) == found


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (400, b"no", []),
        (500, b"Internal Server Error", ["500 without an error id"]),
        (500, b'{"error": {"data": {"details": {"error_id": "ab12"}}}}', []),
        (503, b"Service Unavailable", []),
        (503, b"", ["503 without an error id"]),
    ],
)
def test_a_server_error_needs_an_id(status: int, body: bytes, found: list[str]) -> None:
    oracle = Oracle({})
    oracle.http_status("kind", 1, status, body)
    assert list(oracle.found) == found


INTERNAL = {"code": "INTERNAL_ERROR", "number": 5001, "details": {"error_id": "ab12"}}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, []),
        ({"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "no"}}, []),
        (
            {"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "oh"}},
            ["an internal error without an error id"],
        ),
        (
            {"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "oh", "data": INTERNAL}},
            ["an internal error"],
        ),
        (
            {"jsonrpc": "2.0", "id": 1, "result": {"isError": True, "structuredContent": {"error": INTERNAL}}},
            ["an internal error"],
        ),
        (["no"], ["an answer is no JSON-RPC message"]),
    ],
)
def test_an_error_of_the_servers_own_is_found_wherever_it_is_told(answer: object, found: list[str]) -> None:
    oracle = Oracle({})
    oracle.message("kind", 1, answer)
    assert list(oracle.found) == found


def test_the_log_is_searched_too_and_its_tracebacks_are_counted() -> None:
    oracle = Oracle({"the safe": SECRET})
    raised = "Traceback (most recent call last):\n  File ...\nValueError: bad"
    record = {"event": "it broke", "level": "error", "exception": raised}
    oracle.log("kind", 1, json.dumps(record).encode() + b"\n" + SECRET)
    assert oracle.tracebacks == {"it broke: ValueError: bad": 1}
    assert list(oracle.found) == ["the log has the safe"]


def test_the_messages_of_an_event_stream_are_read() -> None:
    stream = b': ping\r\n\r\nevent: message\r\ndata: {"id": 1}\r\n\r\ndata: {"id": 2}\n\n'
    assert list(messages_in(stream, "text/event-stream; charset=utf-8")) == [{"id": 1}, {"id": 2}]


@asynccontextmanager
async def answering(answer: bytes, *, closes: bool) -> AsyncIterator[int]:
    """The port of a server that says the same to everybody."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await writer.drain()
        if not closes:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


WHOLE = HttpCase("whole", post([], b"{}"))


@pytest.mark.parametrize(
    ("answer", "closes", "statuses", "hanging", "garbled"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", False, [200], False, False),
        (b"HTTP/1.1 400 Bad Request\r\n\r\nno", True, [400], False, False),
        (b"", True, [], False, False),
        (b"", False, [], True, False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", False, [], True, False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", True, [], False, True),
        (b"what is this?\r\n\r\n", False, [], False, True),
    ],
)
async def test_what_becomes_of_a_request_is_told_apart(
    answer: bytes,
    closes: bool,
    statuses: list[int],
    hanging: bool,
    garbled: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exchange, "PATIENCE", 0.3)
    async with answering(answer, closes=closes) as port:
        done = await exchange_with(port, WHOLE, WHOLE.sent, ends=True)
    assert [each.status for each in done.answers] == statuses
    assert (done.is_hanging, done.is_garbled) == (hanging, garbled)


async def test_several_answers_on_one_connection_are_all_seen() -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    case = HttpCase("pipelined", WHOLE.sent * 2, is_whole=False)
    async with answering(ok + ok.replace(b"200", b"404"), closes=False) as port:
        done = await exchange_with(port, case, case.sent, ends=True)
    assert [each.status for each in done.answers] == [200, 404]
