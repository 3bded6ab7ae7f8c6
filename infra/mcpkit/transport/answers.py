"""The answer to a call that runs in its request's own task, and what a call that lasts has beside it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
from anyio import CancelScope
from pydantic_core import to_json
from starlette.types import Message, Receive, Send

WATCHED_AFTER = 0.05  # seconds from which on it is seen that the client has gone
SIGN_OF_LIFE = 15.0  # seconds between two of them, and until the first, as the SDK has it
_STREAM_HEAD: Message = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-cache, no-transform"),
        (b"x-accel-buffering", b"no"),
    ],
}


class Answer:
    """To one request: a document of JSON, or the last event of a stream where the call lasted. `member` is the result
    or the error, and empty until there is one."""

    def __init__(self, number: str | int, receive: Receive, send: Send) -> None:
        self.status = 200
        self.member = b""
        self._number = number
        self._receive = receive
        self._send = send
        self._is_streamed = False

    def watched(self) -> "Watched":
        return Watched(self._beside)

    async def write(self) -> None:
        if not self.member:
            return
        body = b'{"jsonrpc":"2.0","id":' + to_json(self._number) + b"," + self.member + b"}"
        if self._is_streamed:
            await self._send({"type": "http.response.body", "body": b"event: message\r\ndata: " + body + b"\r\n\r\n"})
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": self.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def _beside(self, call: CancelScope) -> None:
        """What a call that lasts has beside it, until it has its answer."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._show_signs_of_life)
            while (await self._receive())["type"] != "http.disconnect":
                pass
            tasks.cancel_scope.cancel()
        call.cancel()

    async def _show_signs_of_life(self) -> None:
        await anyio.sleep(SIGN_OF_LIFE)
        self._is_streamed = True
        await self._send(_STREAM_HEAD)
        while True:
            await self._send({"type": "http.response.body", "body": b": ping\r\n\r\n", "more_body": True})
            await anyio.sleep(SIGN_OF_LIFE)


class Watched:
    """Around a call: what is to run `beside` it begins once the call has lasted a while, ends with it, and may cancel
    it."""

    def __init__(self, beside: Callable[[CancelScope], Coroutine[Any, Any, None]]) -> None:
        self._beside = beside
        self._call = CancelScope()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(WATCHED_AFTER, self._begin)
        self._call.__enter__()

    async def __aexit__(self, *raised: Any) -> bool | None:
        self._timer.cancel()
        was_cancelled = self._call.__exit__(*raised)
        if self._task is not None:
            self._task.cancel()
            # Whatever befell it (the client had gone) is nothing that the answer's own writing would not meet.
            await asyncio.wait([self._task])
        return was_cancelled

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._beside(self._call))
