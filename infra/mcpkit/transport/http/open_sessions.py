"""The sessions that the SDK keeps, as its manager and their transports know them, and what is under way in each.

The SDK tells nobody; so this is where its private state is read and, for calls that it does not serve itself, kept.
"""

import math
from typing import Any, Protocol

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, AuthorizationContext, authorization_context
from mcp.server.connection import Connection
from mcp.server.lowlevel import Server
from mcp.server.streamable_http import REQUEST_STREAM_BUFFER_SIZE, EventMessage, StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.dispatcher import coerce_request_id
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCResponse
from starlette.types import Scope


class Stoppable(Protocol):
    """A call that is under way."""

    def cancel(self) -> None:
        """Its client wants no answer any more."""
        ...

    def end(self) -> None:
        """Its session has ended."""
        ...


class OpenSession:
    """One of them. The SDK takes the ids 7 and "7" for the same one, and so must whoever shares a session with it."""

    def __init__(self, transport: StreamableHTTPServerTransport) -> None:
        self._transport = transport
        self._connection: Connection | None = None
        self._under_way: dict[str | int, Stoppable | None] = {}
        self.headers = [(b"mcp-session-id", (transport.mcp_session_id or "").encode("latin-1"))]

    @property
    def connection(self) -> Connection | None:
        """None before the handshake has ended."""
        return self._connection

    @property
    def dispatcher(self) -> JSONRPCDispatcher:
        """By which the server's own messages are sent, and their answers come."""
        dispatcher = self._connection.outbound if self._connection is not None else None
        assert isinstance(dispatcher, JSONRPCDispatcher), "not a session of the handshake era"
        return dispatcher

    @property
    def is_live(self) -> bool:
        idle = self._transport.idle_scope
        return not (self._transport.is_terminated or (idle is not None and idle.cancel_called))

    def establish(self, connection: Connection) -> None:
        self._connection = connection

    def is_under_way(self, number: str | int) -> bool:
        """Whether a request with this id is. The SDK would give a second one the place of the first, which then never
        ends."""
        key = coerce_request_id(number)
        return (
            key in self._under_way
            or str(number) in self._transport._request_streams
            or (self._connection is not None and key in self.dispatcher._in_flight)
        )

    def begin(self, number: str | int) -> None:
        """Of a request that the SDK serves."""
        self._under_way[coerce_request_id(number)] = None

    def finish(self, number: str | int) -> None:
        self._under_way.pop(coerce_request_id(number), None)

    def begin_call(self, number: str | int, call: Stoppable) -> None:
        """Of a call that the SDK does not see: while it runs, the session is not idle."""
        self._under_way[coerce_request_id(number)] = call
        self._transport._requests_in_flight += 1
        if self._transport.idle_scope is not None:
            self._transport.idle_scope.deadline = math.inf

    def finish_call(self, number: str | int) -> None:
        self.finish(number)
        transport = self._transport
        transport._requests_in_flight -= 1
        if not transport._requests_in_flight and transport.idle_scope is not None and transport._idle_timeout:
            transport.idle_scope.deadline = anyio.current_time() + transport._idle_timeout

    def cancel(self, number: str | int | None) -> None:
        call = self._under_way.get(coerce_request_id(number)) if number is not None else None
        if call is not None:
            call.cancel()

    def end(self) -> None:
        for call in tuple(self._under_way.values()):
            if call is not None:
                call.end()

    def open_stream(self, number: str | int) -> MemoryObjectReceiveStream[EventMessage]:
        """What the server sends in connection with this request comes by way of it, in its order."""
        streams = anyio.create_memory_object_stream[EventMessage](REQUEST_STREAM_BUFFER_SIZE)
        self._transport._request_streams[str(number)] = streams
        return streams[1]

    async def mark_end(self, number: str | int) -> None:
        """Sends an empty response to that stream, behind all that was sent before. Raises ClosedResourceError or
        BrokenResourceError where the session has ended."""
        assert self._transport._write_stream is not None, "never connected"
        await self._transport._write_stream.send(SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=number, result={})))

    def close_stream(self, number: str | int) -> None:
        for stream in self._transport._request_streams.pop(str(number), ()):
            stream.close()


class OpenSessions(StreamableHTTPSessionManager):
    """The SDK's manager, which also says which sessions it has."""

    def __init__(self, server: Server[Any], **options: Any) -> None:
        super().__init__(server, **options)
        self._open: dict[str, OpenSession] = {}

    def count(self) -> int:
        return len(self._open)

    def has(self, session: str) -> bool:
        return session in self._open

    def of(self, scope: Scope, session: str | None) -> OpenSession | None:
        """The open session of this id, for a request of whoever began it; to any other there is none, as the SDK has
        it."""
        found = self._open.get(session) if session is not None else None
        if session is None or found is None or self._session_owners.get(session) != _requestor(scope):
            return None
        return found if found.is_live else None

    def _admit_session(self, requestor: AuthorizationContext | None) -> StreamableHTTPServerTransport | None:
        transport = super()._admit_session(requestor)
        if transport is not None and transport.mcp_session_id is not None:
            self._open[transport.mcp_session_id] = OpenSession(transport)
        return transport

    async def _discard_session(self, session_id: str, transport: StreamableHTTPServerTransport) -> None:
        ended = self._open.pop(session_id, None)
        if ended is not None:
            ended.end()
        await super()._discard_session(session_id, transport)


def _requestor(scope: Scope) -> AuthorizationContext | None:
    user = scope.get("user")
    return authorization_context(user) if isinstance(user, AuthenticatedUser) else None
