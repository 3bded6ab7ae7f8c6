"""The end of a server over HTTP: what runs is finished, nothing new is begun, and streams that are kept open end."""

import asyncio
import logging
import math
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

import anyio
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mcpkit.errors import ErrorCode, Fault
from mcpkit.transport.http.sent import Sent

logger = logging.getLogger(__name__)

RETRY_SECONDS = 2.0  # after which another try is worth it: another server, or this one anew
_ALWAYS_ANSWERED = frozenset({"/health", "/ready"})  # whoever watches the server is to see its end
_CUT_SECONDS = 1.0  # that what was cut off has for its last words


class Closing:
    """Stands before everything else of an application and knows what is under way. Once it has `begun`, a request that
    comes gets 503 with `Retry-After`, and its connection is closed. `kept_open` is called then: it ends what clients
    keep open otherwise than by GET."""

    def __init__(self, app: ASGIApp, kept_open: Callable[[], None] = lambda: None) -> None:
        self._app = app
        self._end_kept_open = kept_open
        self._requests: set[_Request] = set()
        self._none_left = asyncio.Event()
        self.begun = False

    @property
    def under_way(self) -> int:
        return len(self._requests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _ALWAYS_ANSWERED:
            await self._app(scope, receive, send)
        elif self.begun:
            await refusal()(scope, receive, send)
        else:
            request = _Request(is_stream=scope["method"] == "GET")
            self._requests.add(request)
            try:
                await request.run(self._app, scope, receive, send)
            finally:
                self._requests.discard(request)
                if not self._requests:
                    self._none_left.set()

    def begin(self) -> None:
        """Refuses what comes from now on, and ends streams."""
        self.begun = True
        self._end_kept_open()
        for request in self._requests:
            if request.is_stream:
                request.end()
        if not self._requests:
            self._none_left.set()

    async def finished(self, seconds: float) -> None:
        """Waits until nothing is under way, at most so many seconds; what is left then is cut off."""
        if await self._none_within(seconds):
            return
        logger.warning("%d requests were not finished within %g seconds and are cut off", self.under_way, seconds)
        for request in tuple(self._requests):
            request.end()
        await self._none_within(_CUT_SECONDS)

    async def _none_within(self, seconds: float) -> bool:
        if self._requests:
            self._none_left.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._none_left.wait()
        return not self._requests


class _Request:
    def __init__(self, *, is_stream: bool) -> None:
        self.is_stream = is_stream
        self._running = anyio.CancelScope()

    def end(self) -> None:
        self._running.cancel()

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        sent = Sent(send)
        with self._running:
            await app(scope, receive, sent)
        if not self._running.cancelled_caught or sent.ended:
            return
        if not sent.begun:
            await refusal()(scope, receive, send)
        elif self.is_stream:
            await sent.end()
        # Else the connection is closed in the middle of the answer: the client must not take it for a whole one.


def refusal(message: str = "This server is shutting down.", seconds: float = RETRY_SECONDS) -> JSONResponse:
    """503 with `Retry-After` (RFC 9110, section 15.6.4) and a JSON-RPC error; the connection is closed."""
    fault = Fault(ErrorCode.SERVICE_UNAVAILABLE, f"{message} Send the request again in a moment.", retry_after=seconds)
    error = {"code": fault.code.number, "message": fault.message, "data": fault.as_dict()}
    headers = {"Retry-After": str(math.ceil(seconds)), "Connection": "close"}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, HTTPStatus.SERVICE_UNAVAILABLE, headers)
