"""Requests of the protocol that are no calls, such as `initialize` and `tools/list`, are counted by their methods.
Calls are counted by a stage of their own (`mcpkit.protocol.stages.measuring`)."""

from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.methods import SPEC_CLIENT_METHODS

from mcpkit.errors import ErrorCode

if TYPE_CHECKING:
    from mcpkit.monitoring.metrics import CallMetrics

_CALLS = frozenset(
    {
        "tools/call",
        "resources/read",
        "resources/subscribe",
        "subscriptions/listen",
        "prompts/get",
        "completion/complete",
    }
)
_OTHER = "other"  # whatever the protocol has no method for


class CountRequests:
    """A middleware of the SDK's server."""

    def __init__(self, metrics: "CallMetrics") -> None:
        self._metrics = metrics

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method in _CALLS or ctx.request_id is None:  # a notification has no id
            return await call_next(ctx)
        status = "failed"
        try:
            result = await call_next(ctx)
        except MCPError as error:
            status = _code_of(error)
            raise
        except anyio.get_cancelled_exc_class():
            status = "cancelled"
            raise
        else:
            status = "ok"
            return result
        finally:
            self._metrics.answered(ctx.method if ctx.method in SPEC_CLIENT_METHODS else _OTHER, status)


def _code_of(error: MCPError) -> str:
    """Of our own errors; the protocol's have numbers only."""
    data = error.error.data
    code = data.get("code") if isinstance(data, dict) else None
    return code if isinstance(code, str) and code in ErrorCode.__members__ else "failed"
