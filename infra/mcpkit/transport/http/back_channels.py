"""What the server says to its client while a call in a session runs: a question, or how far it is.

The SDK sends it and takes in what the client answers, as it does for the calls that it serves itself; the first of it
opens the stream of the call's answer.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp.server.session import ServerSession
from mcp.server.streamable_http import EventMessage
from mcp.shared.jsonrpc_dispatcher import _JSONRPCDispatchContext, progress_token_from_params
from mcp.shared.transport_context import TransportContext
from mcp_types import JSONRPCError, JSONRPCResponse

from mcpkit.protocol.asking import asker, has_forms
from mcpkit.protocol.calls import Answer as Given
from mcpkit.protocol.calls import Asking, Call, Form
from mcpkit.transport.http.answers import Answer
from mcpkit.transport.http.open_sessions import OpenSession


class BackChannel:
    """Of the call that `message` asks for, which `answer` will be given to."""

    def __init__(self, session: OpenSession, answer: Answer, message: Mapping[str, Any]) -> None:
        self._session = session
        self._answer = answer
        self._number = message["id"]
        self._token = progress_token_from_params(message["params"])
        self._opened: _JSONRPCDispatchContext[TransportContext] | None = None
        self._forwarding: asyncio.Task[None] | None = None

    def join(self, call: Call) -> None:
        connection = self._session.connection
        if connection is not None and has_forms(connection.client_capabilities):
            call.asking = Asking(ask=self._ask)
        if self._token is not None:
            call.report = self._report

    async def settle(self) -> None:
        """Waits until all that was said is on its way."""
        if self._forwarding is not None:
            try:
                await self._session.mark_end(self._number)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):  # the session has ended
                self._session.close_stream(self._number)
            await self._forwarding

    def close(self) -> None:
        if self._opened is not None and self._forwarding is not None:
            self._opened.close()
            self._forwarding.cancel()
            self._session.close_stream(self._number)

    async def _ask(self, form: Form) -> Given:
        connection = self._session.connection
        assert connection is not None, "no handshake"
        return await asker(ServerSession(self._open(), connection), self._number)(form)

    async def _report(self, progress: float, total: float | None, message: str | None) -> None:
        await self._open().progress(progress, total, message)

    def _open(self) -> _JSONRPCDispatchContext[TransportContext]:
        if self._opened is None:
            self._opened = _JSONRPCDispatchContext(
                transport=TransportContext(kind="streamable-http", can_send_request=True),
                _dispatcher=self._session.dispatcher,
                _request_id=self._number,
                _progress_token=self._token,
            )
            self._forwarding = asyncio.create_task(self._forward(self._session.open_stream(self._number)))
        return self._opened

    async def _forward(self, stream: MemoryObjectReceiveStream[EventMessage]) -> None:
        with suppress(anyio.ClosedResourceError):  # the session has ended
            async with stream:
                async for event in stream:
                    if isinstance(event.message, JSONRPCResponse | JSONRPCError):
                        return
                    await self._answer.event(event.message.model_dump_json(by_alias=True, exclude_unset=True).encode())
