"""A span for each call, and one in it for each stage."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mcpkit.logs import during
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Prompt, Tool
from mcpkit.protocol.stages import Proceed, Reply, Stage, declared_name

if TYPE_CHECKING:
    from mcpkit.monitoring.tracing import Tracing

_METHODS = {
    "tool": "tools/call",
    "resource": "resources/read",
    "prompt": "prompts/get",
    "completion": "completion/complete",
    "subscription": "resources/subscribe",
}
_CARRIER = ("traceparent", "tracestate")
_LONGEST_ID = 64


def traced(stages: Sequence[Stage], tracing: "Tracing") -> list[Stage]:
    """The same stages, each in a span of its own, and what the last of them surrounds in another."""
    named: list[Stage] = [_Traced(type(stage).__name__, stage, tracing) for stage in stages]
    return [TraceCall(tracing), *named, _Traced("Run", _straight_on, tracing)]


async def _straight_on(call: Call, proceed: Proceed) -> Reply:
    return await proceed(call)


class TraceCall:
    """The outermost: the span of the call. By the semantic conventions of OpenTelemetry for MCP, it has the declared
    name of what is called. It goes on with a trace that the caller began: by the request's `_meta`, or by its HTTP
    header."""

    def __init__(self, tracing: "Tracing") -> None:
        self._tracing = tracing

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        from mcpkit.monitoring.tracing import trace_id

        method, name = _METHODS.get(call.kind, call.kind), declared_name(call)
        with self._tracing.call(f"{method} {name}", _attributes(call, method, name), _carrier(call)) as span:
            with during({"trace_id": trace_id(span)}):
                reply = await proceed(call)
            span.set_attribute("mcpkit.answer.characters", reply.characters)
            return reply


def _attributes(call: Call, method: str, name: str) -> Mapping[str, str]:
    attributes = {
        "mcp.method.name": method,
        "mcp.protocol.version": call.protocol_version,
        "network.transport": "tcp" if call.transport == "http" else "pipe",
    }
    if call.id:
        attributes["mcpkit.request_id"] = call.id
    if call.request_id.isdecimal():
        attributes["jsonrpc.request.id"] = call.request_id[:_LONGEST_ID]
    match call.declaration:
        case Tool():
            attributes |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
        case Prompt():
            attributes["gen_ai.prompt.name"] = name
    return attributes


def _carrier(call: Call) -> Mapping[str, str]:
    if "traceparent" in call.trace:
        return call.trace
    return {name: call.headers[name] for name in _CARRIER if name in call.headers}


class _Traced:
    def __init__(self, name: str, stage: Stage, tracing: "Tracing") -> None:
        self._name = name
        self._stage = stage
        self._tracing = tracing

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        with self._tracing.span(self._name):
            return await self._stage(call, proceed)
