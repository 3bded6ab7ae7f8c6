"""A tool's result given to the transport as JSON, once, instead of being copied through the SDK's models."""

from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp_types import CallToolResult, InputRequiredResult
from pydantic_core import to_json

from mcpkit.protocol.stages import Reply

ENCODED_KEY = "mcpkit.encoded"
"""In the scope of an HTTP request whose transport takes results so: a list, for the one result."""

_OWN_TOOLS = "_mcpkit_own_tools"


def hand_over(context: ServerRequestContext, reply: Reply) -> CallToolResult | InputRequiredResult:
    """The result of a tool. Where the transport takes its JSON, that is put there, and an empty result is given to the
    SDK, which puts around it what the protocol's revision asks for."""
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


def joined(result: dict[str, Any], encoded: list[bytes]) -> bytes:
    """The JSON of a result as the SDK gave it, or of what was handed over with the SDK's surroundings."""
    if not encoded:
        return to_json(result)
    around = {name: value for name, value in result.items() if name not in ("content", "isError")}
    return encoded[0][:-1] + b"," + to_json(around)[1:] if around else encoded[0]


def own_tools(server: Server[Any]) -> frozenset[str]:
    """The names of the tools that `build_server` made of a catalogue, and not of any that were added later."""
    found: frozenset[str] = getattr(server, _OWN_TOOLS, frozenset())
    return found


def set_own_tools(server: Server[Any], names: frozenset[str]) -> None:
    setattr(server, _OWN_TOOLS, names)
