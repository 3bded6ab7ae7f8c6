"""Calls of tools in the sessions of the handshake era, served without the detours that a stream needs.

The SDK answers each POST of a session by a stream of events, with several tasks beside it, and copies what a tool gave
several times. Here a call runs in the request's own task, as those of 2026-07-28 do (`mcpkit.transport.http.exchange`),
with what the session's handshake said of its client. What the server has to say before the answer, a question or how
far it is, opens the stream then, and goes by way of the SDK, which also takes in what the client answers to it. Nobody
keeps the events of a stream, so an answer that its client does not wait for is of use to nobody: a call ends with the
connection that it came by. It ends with its session too, and when the client says so (`notifications/cancelled`).
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.runner import modern_error_data
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER, REQUEST_CANCELLED
from mcp.shared.dispatcher import as_request_id
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp.shared.jsonrpc_dispatcher import cancelled_request_id_from_params
from mcp_types import DEFAULT_NEGOTIATED_VERSION, INVALID_REQUEST, ErrorData
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Send

from mcpkit.protocol.calls import Asking, Call
from mcpkit.protocol.handshakes import ESTABLISHED_KEY
from mcpkit.protocol.own_tools import own_tools
from mcpkit.protocol.requests import client_name, http_call
from mcpkit.transport.http.answers import Answer
from mcpkit.transport.http.back_channels import BackChannel
from mcpkit.transport.http.exchange import RESERVED, accepts_both, is_plain_call
from mcpkit.transport.http.open_sessions import OpenSession, OpenSessions

_CANCELLED = ErrorData(code=REQUEST_CANCELLED, message="Request cancelled")
_NO_SESSION = ErrorData(code=INVALID_REQUEST, message="Not Found: Session has been terminated")


class SessionCalls:
    """Serves calls of the tools that `build_server` made, and has the SDK serve everything else of a session."""

    def __init__(self, server: Server[Any], sessions: OpenSessions) -> None:
        self._tools = own_tools(server)
        self._sessions = sessions

    async def __call__(
        self, request: Request, message: Mapping[str, Any], receive: Receive, send: Send, sdk: ASGIApp
    ) -> None:
        """`message` is the JSON-RPC that was posted, `receive` gives what comes behind it, and `sdk` serves it as it
        is."""
        session = self._session_of(request)
        # The SDK takes what has no proper id for a notification.
        number, method = as_request_id(message.get("id")), message.get("method")
        if session is None or method is None:
            await sdk(request.scope, receive, send)
        elif number is None:
            if method == "notifications/initialized":
                request.scope[ESTABLISHED_KEY] = session.establish
            elif method == "notifications/cancelled":
                session.cancel(cancelled_request_id_from_params(message.get("params")))
            await sdk(request.scope, receive, send)
        elif session.is_under_way(number):
            await _taken(number)(request.scope, receive, send)
        elif (call := self._call_of(session, request, message)) is not None:
            await self._serve(session, call, message, receive, send)
        else:
            session.begin(number)
            try:
                await sdk(request.scope, receive, send)
            finally:
                session.finish(number)

    def _session_of(self, request: Request) -> OpenSession | None:
        """None where the SDK will refuse the request, or begins a session with it."""
        version = request.headers.get(MCP_PROTOCOL_VERSION_HEADER, DEFAULT_NEGOTIATED_VERSION)
        if version not in HANDSHAKE_PROTOCOL_VERSIONS:
            return None
        return self._sessions.of(request.scope, request.headers.get(MCP_SESSION_ID_HEADER))

    def _call_of(self, session: OpenSession, request: Request, message: Mapping[str, Any]) -> Call | None:
        """None where it is for the SDK to serve or to refuse."""
        connection = session.connection
        if self._tools is None or connection is None or not is_plain_call(message):
            return None
        params = message["params"]
        meta = params.get("_meta", {})
        if not _is_usual(meta):
            return None
        tool = self._tools.get(params.get("name"))
        client = connection.client_params
        if tool is None or client is None or not accepts_both(request.headers.get("accept", "")):
            return None
        return http_call(
            request,
            tool,
            params.get("arguments", {}),
            request_id=message["id"],
            protocol_version=connection.protocol_version,
            client=client_name(client.client_info),
            asking=Asking(),
            meta=meta,
        )

    async def _serve(
        self, session: OpenSession, call: Call, message: Mapping[str, Any], receive: Receive, send: Send
    ) -> None:
        """Without an answer where the client has gone away."""
        assert self._tools is not None, "no call of its tools"
        number = message["id"]
        answer = Answer(number, receive, send, session.headers)
        channel = BackChannel(session, answer, message)
        channel.join(call)
        running = _Running(answer)
        session.begin_call(number, running)
        try:
            async with running.watched:
                try:
                    member = b'"result":' + await self._tools.call(call)
                except Exception as error:  # noqa: BLE001 - as the SDK does: only what may be told gets here
                    member = _error(modern_error_data(error))
                running.answered(member)
            await channel.settle()
            # The official client ends with an exception where a document comes that it does not wait for any more.
            await answer.write(as_event=running.is_cancelled)
        finally:
            channel.close()
            session.finish_call(number)


class _Running:
    """A call, as others may put an end to it: what comes first, that or its answer, is told."""

    def __init__(self, answer: Answer) -> None:
        self.watched = answer.watched()
        self.is_cancelled = False
        self._answer = answer

    def answered(self, member: bytes) -> None:
        self._answer.member = self._answer.member or member

    def cancel(self) -> None:
        self.is_cancelled = self.is_cancelled or not self._answer.member
        self._stop(_CANCELLED, HTTPStatus.OK)

    def end(self) -> None:
        self._stop(_NO_SESSION, HTTPStatus.NOT_FOUND)

    def _stop(self, told: ErrorData, status: HTTPStatus) -> None:
        if not self._answer.member:
            self._answer.member = _error(told)
            self._answer.status = status
            self.watched.cancel()


def _taken(number: str | int) -> JSONResponse:
    message = "There is a request with this id that has no answer yet. Each request of a session has an id of its own."
    error = {"code": INVALID_REQUEST, "message": message}
    return JSONResponse({"jsonrpc": "2.0", "id": number, "error": error}, HTTPStatus.BAD_REQUEST)


def _is_usual(meta: object) -> bool:
    """Whether nothing in a request's `_meta` is for the SDK to judge."""
    return (
        isinstance(meta, dict)
        and type(meta.get("progressToken", "")) in (str, int)
        and not any(name.startswith(RESERVED) for name in meta)
    )


def _error(told: ErrorData) -> bytes:
    return b'"error":' + to_json(told, by_alias=True, exclude_none=True)
