"""The tools of a server as a transport calls them by itself, without the SDK's runner: for what is a plain call, which
has one answer and nothing before it, that reads, checks and copies several times what is looked at once here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from mcp.server.lowlevel import Server
from mcp_types import SERVER_INFO_META_KEY, CallToolResult
from mcp_types.methods import serialize_server_result
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic_core import to_json

from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Tool
from mcpkit.protocol.mapping import as_protocol_error
from mcpkit.protocol.stages import Reply, WireResult

_METHOD = "tools/call"
_KEPT_AT = "_mcpkit_own_tools"

Answer = Callable[[Call, Tool[Any, Any]], Awaitable[Reply]]


class OwnTools:
    """Those of a catalogue, and not any that were added to the SDK's server later. `answer` is what the SDK's server
    has too, and `stamp` is how the server describes itself."""

    def __init__(self, tools: Sequence[Tool[Any, Any]], answer: Answer, stamp: Mapping[str, Any]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._answer = answer
        self._stamp = stamp
        # What 2026-07-28 asks for around a result, behind its own members.
        self._around = b"," + to_json({"resultType": "complete", "_meta": {SERVER_INFO_META_KEY: stamp}})[1:]

    def get(self, name: object) -> Tool[Any, Any] | None:
        return self._tools.get(name) if isinstance(name, str) else None

    async def call(self, call: Call) -> bytes:
        """The JSON of the result, as the call's revision of the protocol has it. Raises MCPError."""
        assert isinstance(call.declaration, Tool), "not a call of a tool"
        try:
            reply = await self._answer(call, call.declaration)
        except Exception as error:
            raise as_protocol_error(error, _METHOD) from error
        if reply.wire is None and reply.draft is not None:
            return self._within(reply.draft.encoded(), call.protocol_version)
        result = reply.result()
        if isinstance(result, CallToolResult) and not result.meta:
            encoded = to_json(result, by_alias=True, exclude_none=True, exclude={"result_type"})
            return self._within(encoded, call.protocol_version)
        return to_json(self._as_the_sdk(result, call.protocol_version))

    def _within(self, encoded: bytes, version: str) -> bytes:
        return encoded[:-1] + self._around if version in MODERN_PROTOCOL_VERSIONS else encoded

    def _as_the_sdk(self, result: WireResult, version: str) -> dict[str, Any]:
        dumped = result.model_dump(by_alias=True, mode="json", exclude_none=True)
        wire = serialize_server_result(_METHOD, version, dumped)
        if version not in MODERN_PROTOCOL_VERSIONS:
            return wire
        meta = {SERVER_INFO_META_KEY: self._stamp, **wire.get("_meta", {})}
        return {"resultType": "complete", **wire, "_meta": meta}


def own_tools(server: Server[Any]) -> OwnTools | None:
    """Those of a server that `build_server` made; of any other's it is not known."""
    return getattr(server, _KEPT_AT, None)


def set_own_tools(server: Server[Any], tools: OwnTools) -> None:
    setattr(server, _KEPT_AT, tools)
