"""What becomes of requests when a server is told to end."""

import asyncio
import json

import pytest
from starlette.types import Message, Receive, Scope, Send

from mcpkit.transport.http.closing import Closing

OK = [
    {"type": "http.response.start", "status": 200, "headers": []},
    {"type": "http.response.body", "body": b"done", "more_body": False},
]


class Held:
    """An application that answers when it is released. With `begun` its answer has begun before."""

    def __init__(self, *, begun: bool = False) -> None:
        self.begun = begun
        self.running = asyncio.Event()
        self.released = asyncio.Event()
        self.was_cancelled = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        self.running.set()
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        for message in OK[int(self.begun) :]:
            await send(message)


class Requested:
    """A request that goes on in a task."""

    def __init__(self, app: Closing, method: str = "POST", path: str = "/mcp") -> None:
        self.sent: list[Message] = []
        scope: Scope = {"type": "http", "method": method, "path": path, "headers": []}
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def is_whole(self) -> bool:
        return bool(self.sent) and self.sent[-1].get("more_body") is False


async def test_what_runs_is_finished_and_what_comes_is_refused() -> None:
    held = Held()
    closing = Closing(held)
    before = Requested(closing)
    await held.running.wait()
    closing.begin()
    after = Requested(closing)
    await after.task
    finishing = asyncio.create_task(closing.finished(30))
    await asyncio.sleep(0)
    assert not finishing.done()
    held.released.set()
    await finishing
    await before.task
    assert before.sent == OK

    start, body = after.sent
    headers = dict(start["headers"])
    error = json.loads(body["body"])
    assert start["status"] == 503
    assert (headers[b"retry-after"], headers[b"connection"]) == (b"2", b"close")
    assert (error["jsonrpc"], error["id"], error["error"]["code"]) == ("2.0", None, 5002)


async def test_whoever_watches_the_server_sees_its_end() -> None:
    held = Held()
    closing = Closing(held)
    closing.begin()
    asked = [Requested(closing, "GET", path) for path in ("/health", "/ready")]
    await held.running.wait()
    held.released.set()
    for each in asked:
        await each.task
        assert each.sent == OK
    await closing.finished(0)


async def test_streams_end_as_whole_answers() -> None:
    ended: list[str] = []
    held = Held(begun=True)
    closing = Closing(held, lambda: ended.append("those of the protocol"))
    stream = Requested(closing, "GET")
    await held.running.wait()
    closing.begin()
    await closing.finished(30)
    await stream.task
    assert (stream.sent[0]["status"], stream.is_whole) == (200, True)
    assert ended == ["those of the protocol"]


@pytest.mark.parametrize("begun", [False, True])
async def test_what_takes_too_long_is_cut_off_and_never_looks_whole(begun: bool) -> None:
    held = Held(begun=begun)
    closing = Closing(held)
    request = Requested(closing)
    await held.running.wait()
    closing.begin()
    await closing.finished(0.01)
    await request.task
    assert held.was_cancelled
    assert closing.under_way == 0
    if begun:
        assert not request.is_whole
    else:
        assert request.sent[0]["status"] == 503
