"""The `/mcp` endpoint: what every POST must be, and which of the protocol's wires it is for.

Requests of clients that speak MCP go to the SDK's session manager as they are: those with a version header, those of
a session, and `initialize`; but for calls of tools (`mcpkit.transport.http.exchange`, and
`mcpkit.transport.http.session_calls` in sessions). A request with none of these is a bare JSON-RPC call, such as one
typed with curl; it is given what 2026-07-28 asks of a request, and gets plain JSON.
"""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import anyio
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    encode_header_value,
)
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    PROTOCOL_VERSION_META_KEY,
    jsonrpc_message_adapter,
)
from mcp_types.version import LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcpkit.transport.http.exchange import Exchange
from mcpkit.transport.http.session_calls import SessionCalls

_SESSION_HEADER = "mcp-session-id"
_JSON = "application/json"
_STREAMED = frozenset({"subscriptions/listen"})  # what is answered by a stream of events, also where the call is bare
_HANDSHAKE_ONLY = frozenset({"ping"})  # what 2026-07-28 has no more, and a bare call may still want


class McpEndpoint:
    """`max_body_bytes` is the limit of a request's body, and `body_seconds` is how long it may take. What is no request
    gets a JSON-RPC error without id."""

    def __init__(
        self,
        sessions: StreamableHTTPSessionManager,
        plain: StreamableHTTPSessionManager,
        security: TransportSecuritySettings,
        exchange: Exchange,
        session_calls: SessionCalls,
        *,
        max_body_bytes: int,
        body_seconds: float,
    ) -> None:
        self._sessions = sessions
        self._plain = plain
        self._exchange = exchange
        self._session_calls = session_calls
        self._security = TransportSecurityMiddleware(security)
        self._max_body_bytes = max_body_bytes
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            await self._check_origin(request)
            if request.method != "POST":
                await self._sessions.handle_request(_from_the_beginning(scope), receive, send)
                return
            body = await self._body(request)
            decoded = _decoded(body)
            call = self._exchange.call_of(request, decoded)
            message = _message(decoded) if call is None else decoded
            bare = _enveloped(scope, message) if call is None and _is_bare(request, message) else None
        except _Refused as refused:
            await refused.response(scope, receive, send)
            return
        if call is not None:
            await self._exchange(call, message["id"], receive, send)
        elif bare is not None and message.get("method") in _STREAMED:
            scope, body = bare
            await self._sessions.handle_request(scope, _replay(body, receive), send)
        elif bare is not None:
            await _until_disconnected(self._plain.handle_request, *bare, receive, send)
        else:

            async def sdk(scope: Scope, behind: Receive, send: Send) -> None:
                await self._sessions.handle_request(scope, _replay(body, behind), send)

            await self._session_calls(request, message, receive, send, sdk)

    async def _check_origin(self, request: Request) -> None:
        """Of DNS rebinding: a web page that names this server by a host of its own (Host), or calls it (Origin)."""
        refusal = await self._security.validate_request(request)
        if refusal is not None:
            setting = "allowed_hosts" if refusal.status_code == HTTPStatus.MISDIRECTED_REQUEST else "allowed_origins"
            remedy = f"Whoever runs this server can allow it in the settings: http.{setting}."
            raise _Refused(refusal.status_code, INVALID_REQUEST, f"{bytes(refusal.body).decode()}. {remedy}")

    async def _body(self, request: Request) -> bytes:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != _JSON:
            raise _Refused(415, INVALID_REQUEST, f"Content-Type must be {_JSON}")
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_seconds):
                while True:
                    part = await request.receive()
                    if part["type"] == "http.disconnect":
                        raise ClientDisconnect
                    body += part.get("body", b"")
                    if len(body) > self._max_body_bytes:
                        raise _Refused(413, INVALID_REQUEST, f"A request may have {self._max_body_bytes} bytes at most")
                    if not part.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            seconds = f"{self._body_seconds:g} seconds"
            raise _Refused(408, INVALID_REQUEST, f"The body of a request may take {seconds} at most") from None


class _Refused(Exception):
    def __init__(self, status: int, code: int, message: str, request_id: object = None) -> None:
        super().__init__(message)
        error = {"code": code, "message": message}
        self.response = JSONResponse({"jsonrpc": "2.0", "id": request_id, "error": error}, status)


def _decoded(body: bytes) -> Any:
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        raise _Refused(400, PARSE_ERROR, "Parse error: the body is not JSON") from None


def _message(decoded: object) -> dict[str, Any]:
    if isinstance(decoded, list):
        raise _Refused(400, INVALID_REQUEST, "Batches are not part of the protocol: send one request")
    try:
        jsonrpc_message_adapter.validate_python(decoded, by_name=False)
    except ValidationError:
        request_id = decoded.get("id") if isinstance(decoded, dict) else None
        known = request_id if isinstance(request_id, str | int) and not isinstance(request_id, bool) else None
        raise _Refused(400, INVALID_REQUEST, "The body must be a single JSON-RPC 2.0 request", known) from None
    assert isinstance(decoded, dict)
    return decoded


def _is_bare(request: Request, message: Mapping[str, Any]) -> bool:
    method = message.get("method")
    if method is None or method == "initialize":
        return False
    if MCP_PROTOCOL_VERSION_HEADER in request.headers or _SESSION_HEADER in request.headers:
        return False
    meta = (message.get("params") or {}).get("_meta")
    return not (isinstance(meta, dict) and PROTOCOL_VERSION_META_KEY in meta)


def _enveloped(scope: Scope, message: Mapping[str, Any]) -> tuple[Scope, bytes]:
    """The request as a client of the protocol would have sent it. Raises `_Refused`."""
    method = message["method"]
    params = dict(message.get("params") or {})
    headers = {b"accept": b"application/json, text/event-stream"}
    if method in _HANDSHAKE_ONLY:
        headers[MCP_PROTOCOL_VERSION_HEADER.encode()] = LATEST_HANDSHAKE_VERSION.encode()
    else:
        meta = params.get("_meta")
        params["_meta"] = {
            **(meta if isinstance(meta, dict) else {}),
            PROTOCOL_VERSION_META_KEY: LATEST_MODERN_VERSION,
            CLIENT_CAPABILITIES_META_KEY: {},
        }
        headers[MCP_PROTOCOL_VERSION_HEADER.encode()] = LATEST_MODERN_VERSION.encode()
        headers[MCP_METHOD_HEADER.encode()] = encode_header_value(method).encode()
        argument = NAME_BEARING_METHODS.get(method, "")
        name = params.get(argument)
        if name is not None:
            if not isinstance(name, str):  # which no header can repeat
                raise _Refused(400, INVALID_PARAMS, f"Invalid params: `{argument}` is malformed", message.get("id"))
            headers[MCP_NAME_HEADER.encode()] = encode_header_value(name).encode()
    body = json.dumps({**message, "params": params}).encode()
    kept = [(key, value) for key, value in scope["headers"] if key not in headers and key != b"content-length"]
    return {**scope, "headers": [*kept, *headers.items(), (b"content-length", str(len(body)).encode())]}, body


async def _until_disconnected(app: ASGIApp, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
    """Run `app`, and cancel it when the client goes away. (Alone, the SDK's JSON answers would run to their end.)"""
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch)
        await app(scope, _replay(body, _never), send)
        tasks.cancel_scope.cancel()


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, then what else comes."""
    replayed = False

    async def replay() -> Message:
        nonlocal replayed
        if replayed:
            return await receive()
        replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _from_the_beginning(scope: Scope) -> Scope:
    """No events are kept, so a stream goes on with the next. The SDK leaves who names the last without an answer."""
    return {**scope, "headers": [field for field in scope["headers"] if field[0] != b"last-event-id"]}


async def _never() -> Message:
    await anyio.sleep_forever()
    raise AssertionError
