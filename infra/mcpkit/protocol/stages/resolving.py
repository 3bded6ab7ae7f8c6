"""What a call leaves out comes from what its user has stored, from the environment, or from the declaration."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcp_types import CallToolResult
from pydantic_core import to_json

from mcpkit.errors import Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Tool
from mcpkit.protocol.parameters import Origin, ParameterResolver, Resolved
from mcpkit.protocol.stages import Proceed, Reply

META_KEY = "parameters"  # in the `_meta` of a result

_WHERE = {
    Origin.STORED: "the value stored for this user",
    Origin.ENVIRONMENT: "the server's environment",
}


class ResolveParameters:
    """A call that asks to be explained (`explain` among its arguments, or true in its `_meta`) is told where each value
    came from, in the `_meta` of its result."""

    def __init__(self, resolver: ParameterResolver) -> None:
        self._resolver = resolver

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        if not isinstance(call.declaration, Tool):
            return await proceed(call)
        resolved = await self._resolver.resolve(call.name, call.caller.user, call.arguments)
        call.resolved = resolved.arguments
        try:
            reply = await proceed(call)
        except Fault as fault:
            raise _placed(fault, resolved) from fault
        if not reply.is_question and (call.explains or getattr(call.given, "explain", False)):
            return _explained(reply, call, resolved)
        return reply


def _placed(fault: Fault, resolved: Resolved) -> Fault:
    """The fault, saying of an argument that the call did not give where its value came from."""
    at_fault = [fault.details.get("argument")]
    listed = fault.details.get("arguments")
    if isinstance(listed, list):
        at_fault += [each.get("argument") for each in listed if isinstance(each, Mapping)]
    notes = {name: _WHERE[origin] for name, origin in resolved.origins.items() if name in at_fault and origin in _WHERE}
    if not notes:
        return fault
    said = " ".join(f"`{name}` was not given: it is {where}." for name, where in notes.items())
    return Fault(
        fault.code,
        f"{fault.message} {said}",
        details={**fault.details, "origins": {name: resolved.origins[name].value for name in notes}},
        retry_after=fault.retry_after,
    )


def _explained(reply: Reply, call: Call, resolved: Resolved) -> Reply:
    result = reply.result()
    assert isinstance(result, CallToolResult), "not the result of a tool"
    parameters: dict[str, Any] = {
        name: {"value": getattr(call.given, name, None), "from": origin.value}
        for name, origin in resolved.origins.items()
    }
    wire = result.model_copy(update={"meta": {**(result.meta or {}), META_KEY: parameters}})
    return replace(reply, wire=wire, characters=len(to_json(wire, by_alias=True, exclude_none=True).decode()))
