"""A tool's result given to the transport as JSON, once, instead of being copied through the SDK's models."""

from functools import cached_property, partial
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp_types import SERVER_INFO_META_KEY, CallToolRequestParams, CallToolResult, InputRequiredResult
from mcp_types.methods import serialize_server_result, validate_client_request
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.requests import Request
from starlette.types import Scope

from mcpkit.protocol.stages import Reply

ENCODED_KEY = "mcpkit.encoded"
"""In the scope of an HTTP request whose transport takes results so: a list, for the one result."""

_OWN_TOOLS = "_mcpkit_own_tools"
_METHOD = "tools/call"


def hand_over(context: ServerRequestContext, reply: Reply) -> CallToolResult | InputRequiredResult:
    """The result of a tool. Where the transport takes its JSON, that is put there, and an empty result is given."""
    place = None if context.request is None else context.request.scope.get(ENCODED_KEY)
    if place is not None and reply.wire is None and reply.draft is not None:
        place.append(reply.draft.encoded())
        return CallToolResult(content=[])
    result = reply.result()
    assert isinstance(result, CallToolResult | InputRequiredResult), "not the result of a tool"
    if place is None or isinstance(result, InputRequiredResult) or result.meta:
        return result
    place.append(to_json(result, by_alias=True, exclude_none=True, exclude={"result_type"}))
    return CallToolResult(content=[])


class OwnTools:
    """The tools that `build_server` made of a catalogue, and not any that were added later, for a transport that calls
    them by itself: one request of 2026-07-28 at a time, as the SDK's runner does, but for what is of no use to them.
    Its parameters are read once for the context and the handler, and what goes around a result is written once.
    """

    def __init__(self, server: Server[Any], names: frozenset[str]) -> None:
        self._server = server
        self.names = names

    @cached_property
    def _around(self) -> bytes:
        """What the protocol asks for around a result, behind its own members."""
        around = {"resultType": "complete", "_meta": {SERVER_INFO_META_KEY: self._server.server_info_stamp}}
        return b"," + to_json(around)[1:]

    async def call(self, context: ServerRequestContext[Any, Request]) -> bytes:
        """The JSON of the result, through all of the server's middleware. Raises MCPError, ValidationError."""
        encoded: list[bytes] = []
        _scope(context)[ENCODED_KEY] = encoded
        call: CallNext = self._run
        for middleware in reversed(self._server.middleware):
            call = partial(middleware, call_next=call)
        result = await call(context)
        if encoded:
            return encoded[0][:-1] + self._around
        assert isinstance(result, dict), "not shaped for the wire"
        return to_json(result)

    async def _run(self, context: ServerRequestContext[Any, Any]) -> HandlerResult:
        validate_client_request(_METHOD, context.protocol_version, context.params)
        params = CallToolRequestParams.model_validate(context.params, by_name=False)
        context.meta = params.meta
        handler = self._server.get_request_handler(_METHOD)
        assert handler is not None, "no tools"
        result = await handler.handler(context, params)
        if _scope(context)[ENCODED_KEY]:
            return {}
        assert isinstance(result, BaseModel), "not the result of a tool"
        dumped = result.model_dump(by_alias=True, mode="json", exclude_none=True)
        wire = serialize_server_result(_METHOD, context.protocol_version, dumped)
        stamp = {SERVER_INFO_META_KEY: self._server.server_info_stamp}
        return {"resultType": "complete", **wire, "_meta": {**stamp, **wire.get("_meta", {})}}


def _scope(context: ServerRequestContext[Any, Any]) -> Scope:
    request = context.request
    assert isinstance(request, Request), "no HTTP request"
    return request.scope


def own_tools(server: Server[Any]) -> OwnTools:
    """Those of a server that `build_server` made; none of any other's."""
    return getattr(server, _OWN_TOOLS, None) or OwnTools(server, frozenset())


def set_own_tools(server: Server[Any], names: frozenset[str]) -> None:
    setattr(server, _OWN_TOOLS, OwnTools(server, names))
