"""Calls of 2026-07-28 whose answer is one JSON document, served without the detours that a stream needs.

The SDK runs each such request as two tasks beside a stream of its events, reads it three times, and takes what a tool
gave through three copies before it becomes text: most of the time that a quick call takes. Here a request is read once,
the call runs in the request's own task, and the JSON of its result is made once (`mcpkit.protocol.own_tools`). Only a
call that lasts gets a task beside it, which sees the client go away, and sends signs of life before somebody on the way
gives up. Whatever is not in order, whatever answers a question, and whatever may send notifications, is left to the
SDK.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeGuard

from mcp.server.lowlevel import Server
from mcp.server.runner import modern_error_data
from mcp.server.streamable_http import check_accept_headers
from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PARAM_HEADER_PREFIX,
    MCP_PROTOCOL_VERSION_HEADER,
    InboundModernRoute,
    classify_inbound_request,
)
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    LOG_LEVEL_META_KEY,
    ClientCapabilities,
    Implementation,
)
from mcp_types.methods import validate_client_request
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError
from pydantic_core import from_json, to_json
from starlette.requests import Request
from starlette.types import Receive, Send

from mcpkit.protocol.asking import has_forms
from mcpkit.protocol.calls import Asking, Call
from mcpkit.protocol.own_tools import own_tools
from mcpkit.protocol.requests import client_name, http_call
from mcpkit.transport.http.answers import Answer

_METHOD = "tools/call"
_TELLING = frozenset({"progressToken", LOG_LEVEL_META_KEY})  # of a request's `_meta`: it wants to be told things
_PLAIN = frozenset({"name", "arguments", "_meta"})  # the params of a call that answers no question
_REQUEST = frozenset({"jsonrpc", "id", "method", "params"})
RESERVED = "io.modelcontextprotocol/"
_LONGEST_KEPT = 4096  # bytes of what a client says of itself, for it to be kept
_PARAM_HEADER = MCP_PARAM_HEADER_PREFIX.lower().encode()
_READ_HEADERS = {
    name.encode(): name for name in (MCP_PROTOCOL_VERSION_HEADER, MCP_METHOD_HEADER, MCP_NAME_HEADER, "accept")
}


class Exchange:
    """Serves calls of the tools that `build_server` made."""

    def __init__(self, server: Server[Any]) -> None:
        self._tools = own_tools(server)

    def call_of(self, request: Request, message: object) -> Call | None:
        """The call that `message`, which is any JSON, asks for. None where it is for the SDK to serve or to refuse."""
        if self._tools is None or not is_plain_call(message):
            return None
        params = message["params"]
        meta = params.get("_meta")
        if not isinstance(meta, dict):
            return None
        tool = self._tools.get(params.get("name"))
        if tool is None or not _TELLING.isdisjoint(meta):
            return None
        headers = _headers(request)
        if headers is None or headers.get(MCP_PROTOCOL_VERSION_HEADER) not in MODERN_PROTOCOL_VERSIONS:
            return None
        route = classify_inbound_request(message, headers=headers)
        if not (isinstance(route, InboundModernRoute) and accepts_both(headers.get("accept", ""))):
            return None
        client = _client_of(route.protocol_version, meta)
        if client is None:
            return None
        return http_call(
            request,
            tool,
            params.get("arguments", {}),
            request_id=message["id"],
            protocol_version=route.protocol_version,
            client=client.name,
            asking=client.asking,
            meta=meta,
        )

    async def __call__(self, call: Call, number: str | int, receive: Receive, send: Send) -> None:
        """`number` is the request's id, and `receive` gives what comes behind its body. Returns without an answer where
        the client has gone away."""
        assert self._tools is not None, "no call of its tools"
        answer = Answer(number, receive, send)
        async with answer.watched():
            try:
                answer.member = b'"result":' + await self._tools.call(call)
            except Exception as error:  # noqa: BLE001 - as the SDK does: only what may be told gets here
                told = modern_error_data(error)
                answer.status = ERROR_CODE_HTTP_STATUS.get(told.code, 200)
                answer.member = b'"error":' + to_json(told, by_alias=True, exclude_none=True)
        await answer.write()


def is_plain_call(message: object) -> TypeGuard[dict[str, Any]]:
    """JSON-RPC 2.0 for a call of a tool, to the letter, that answers no question."""
    return (
        isinstance(message, dict)
        and message.keys() == _REQUEST
        and message["method"] == _METHOD
        and message["jsonrpc"] == "2.0"
        and type(message["id"]) in (str, int)
        and isinstance(message["params"], dict)
        and _PLAIN.issuperset(message["params"])
        and isinstance(message["params"].get("arguments", {}), dict)
    )


def _headers(request: Request) -> dict[str, str] | None:
    """Those that are looked at. None where one of them comes twice, or repeats an argument of the call."""
    found: dict[str, str] = {}
    for field, value in request.scope["headers"]:
        name = _READ_HEADERS.get(field)
        if name is not None:
            if name in found:
                return None
            found[name] = value.decode("latin-1")
        elif field.startswith(_PARAM_HEADER):
            return None
    return found


@lru_cache(maxsize=64)
def accepts_both(accept: str) -> bool:
    """An answer, and a stream of signs of life before it."""
    scope = {"type": "http", "headers": [(b"accept", accept.encode("latin-1"))]}
    return all(check_accept_headers(Request(scope)))


@dataclass(frozen=True, slots=True)
class _Client:
    name: str
    asking: Asking


def _client_of(version: str, meta: Mapping[str, Any]) -> _Client | None:
    """What a client says of itself, the same in each of its requests. None where that is malformed, or long."""
    said = to_json({name: value for name, value in meta.items() if name.startswith(RESERVED)})
    return _read_client(version, said) if len(said) <= _LONGEST_KEPT else None


@lru_cache(maxsize=256)
def _read_client(version: str, said: bytes) -> _Client | None:
    meta = from_json(said)
    try:
        validate_client_request(_METHOD, version, {"name": "", "arguments": {}, "_meta": meta})
        info = meta.get(CLIENT_INFO_META_KEY)
        name = "" if info is None else client_name(Implementation.model_validate(info, by_name=False))
        capabilities = ClientCapabilities.model_validate(meta[CLIENT_CAPABILITIES_META_KEY], by_name=False)
    except ValidationError:
        return None
    return _Client(name, Asking(by_return=has_forms(capabilities)))
