"""Calls of 2026-07-28 whose answer is one JSON document, served without the detours that a stream needs.

The SDK runs each such request as two tasks beside a stream of its events, and takes what a tool gave through three
copies before it becomes text: most of the time that a quick call takes. Here the call runs in the request's own task,
and the JSON of its result is made once (`mcpkit.protocol.handover`). Only a call that lasts gets a task beside it,
which sees the client go away, and sends signs of life before somebody on the way gives up. Whatever is not in order,
and whatever may send notifications, is left to the SDK.
"""

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

import anyio
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.runner import modern_error_data
from mcp.server.session import ServerSession
from mcp.server.streamable_http import check_accept_headers
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import NoBackChannelError
from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    MCP_PARAM_HEADER_PREFIX,
    MCP_PROTOCOL_VERSION_HEADER,
    InboundModernRoute,
    classify_inbound_request,
    find_duplicated_routing_header,
)
from mcp.shared.message import ServerMessageMetadata
from mcp.shared.transport_context import TransportContext
from mcp_types import LOG_LEVEL_META_KEY, ClientCapabilities, Implementation
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json
from starlette.requests import Request
from starlette.types import Receive, Send

from mcpkit.protocol.handover import own_tools
from mcpkit.transport.answers import Answer

_TELLING = frozenset({"progressToken", LOG_LEVEL_META_KEY})  # of a request's `_meta`: it wants to be told things
_LONGEST_KEPT = 4096  # bytes of what a client says of itself, for it to be kept
_PARAM_HEADER = MCP_PARAM_HEADER_PREFIX.lower().encode()


class Exchange:
    """Serves calls of the tools that `build_server` made."""

    def __init__(self, server: Server[Any]) -> None:
        self._tools = own_tools(server)

    def route(self, request: Request, message: Mapping[str, Any]) -> InboundModernRoute | None:
        """The request's envelope; None where it is for the SDK to serve or to refuse."""
        params = message.get("params")
        if message.get("method") != "tools/call" or "id" not in message or not isinstance(params, dict):
            return None
        name, meta, headers = params.get("name"), params.get("_meta"), request.headers
        if not (
            isinstance(name, str) and name in self._tools.names and isinstance(meta, dict) and _TELLING.isdisjoint(meta)
        ):
            return None
        if headers.get(MCP_PROTOCOL_VERSION_HEADER) not in MODERN_PROTOCOL_VERSIONS:
            return None
        if any(key.startswith(_PARAM_HEADER) for key, _ in request.scope["headers"]):
            return None
        if not all(check_accept_headers(request)) or find_duplicated_routing_header(headers.items()) is not None:
            return None
        verdict = classify_inbound_request(message, headers=headers)
        return verdict if isinstance(verdict, InboundModernRoute) else None

    async def __call__(
        self, route: InboundModernRoute, request: Request, message: Mapping[str, Any], receive: Receive, send: Send
    ) -> None:
        """`receive` gives what comes behind the body. Returns without an answer where the client has gone away."""
        context = _context(route, request, message)
        answer = Answer(message["id"], receive, send)
        async with answer.watched():
            try:
                result = await self._tools.call(context)
            except Exception as error:  # noqa: BLE001 - as the SDK does: only what may be told gets here
                told = modern_error_data(error)
                answer.status = ERROR_CODE_HTTP_STATUS.get(told.code, 200)
                answer.member = b'"error":' + to_json(told, by_alias=True, exclude_none=True)
            else:
                answer.member = b'"result":' + result
        await answer.write()


def _context(
    route: InboundModernRoute, request: Request, message: Mapping[str, Any]
) -> ServerRequestContext[Any, Request]:
    """As the SDK's runner makes it. Nothing is left behind at a connection of one request, so nobody has to clean up
    after it."""
    said = to_json((route.client_info, route.client_capabilities))
    info, capabilities = _typed(said) if len(said) <= _LONGEST_KEPT else (route.client_info, route.client_capabilities)
    connection = Connection.from_envelope(route.protocol_version, info, capabilities)
    return ServerRequestContext(
        session=ServerSession(_OneAnswer(request, message["id"]), connection),
        lifespan_context={},
        protocol_version=route.protocol_version,
        method="tools/call",
        params=message["params"],
        request_id=message["id"],
        request=request,
    )


@lru_cache(maxsize=256)
def _typed(said: bytes) -> tuple[Any, Any]:
    """What a client says of itself, which is the same in each of its requests, as the SDK's models; what is malformed
    as it is, for the SDK to judge."""
    info, capabilities = from_json(said)
    return _model(Implementation, info), _model(ClientCapabilities, capabilities)


def _model(model: type[BaseModel], value: Any) -> Any:
    try:
        return model.model_validate(value, by_name=False)
    except ValidationError:
        return value


class _OneAnswer:
    """The SDK's view of a request that gets one answer and nothing before it."""

    can_send_request = False
    progress_token = None

    def __init__(self, request: Request, number: str | int) -> None:
        self.transport = TransportContext(kind="streamable-http", can_send_request=False, headers=request.headers)
        self.request_id = number
        self.message_metadata = ServerMessageMetadata(request_context=request)

    @cached_property
    def cancel_requested(self) -> anyio.Event:
        """Nobody sets it: a call that is given up is cancelled."""
        return anyio.Event()

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        raise NoBackChannelError(method)

    async def notify(self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None) -> None:
        """The client did not ask to be told anything."""

    async def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Likewise."""
