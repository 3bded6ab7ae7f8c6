"""The answer to a call that runs in its request's own task, and what a call that lasts has beside it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import anyio
from anyio import CancelScope
from pydantic_core import to_json
from starlette.types import Receive, Send

WATCHED_AFTER = 0.05  # seconds from which on it is seen that the client has gone
SIGN_OF_LIFE = 15.0  # seconds between two of them, and until the first, as the SDK has it
_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


class Answer:
    """To one request: a document of JSON, or the last event of a stream where the call lasted, or had something to say
    before. `member` is the result or the error, and empty until there is one. `headers` are further ones."""

    def __init__(
        self, number: str | int, receive: Receive, send: Send, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        self.status = 200
        self.member = b""
        self._number = number
        self._receive = receive
        self._send = send
        self._headers = headers
        self._is_streamed = False
        self._turn = asyncio.Lock()

    def watched(self) -> "Watched":
        return Watched(self._beside)

    async def event(self, message: bytes) -> None:
        """Sends a JSON-RPC message of the server's own, before the answer."""
        await self._say(_event(message))

    async def write(self, *, as_event: bool = False) -> None:
        """`as_event`: of a stream in any case."""
        if not self.member:
            return
        body = b'{"jsonrpc":"2.0","id":' + to_json(self._number) + b"," + self.member + b"}"
        if self._is_streamed or as_event:
            await self._say(_event(body), is_last=True)
            return
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length), *self._headers]
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
        while True:
            await anyio.sleep(SIGN_OF_LIFE)
            await self._say(b": ping\r\n\r\n")

    async def _say(self, chunk: bytes, *, is_last: bool = False) -> None:
        """The first one opens the stream. In turns: nothing may go before its head."""
        async with self._turn:
            if not self._is_streamed:
                self._is_streamed = True
                headers = [*_STREAM_HEADERS, *self._headers]
                await self._send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._send({"type": "http.response.body", "body": chunk, "more_body": not is_last})


def _event(message: bytes) -> bytes:
    return b"event: message\r\ndata: " + message + b"\r\n\r\n"


class Watched:
    """Around a call: what is to run `beside` it begins once the call has lasted a while, ends with it, and may cancel
    it."""

    def __init__(self, beside: Callable[[CancelScope], Coroutine[Any, Any, None]]) -> None:
        self._beside = beside
        self._call = CancelScope()
        self._task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        self._call.cancel()

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
