"""Every call is counted, timed and told to the log, whatever became of it."""

import time
from typing import TYPE_CHECKING

import anyio

from mcpkit.errors import Fault
from mcpkit.logs import during, log_call, new_request_id, without_secrets
from mcpkit.protocol.calls import Call
from mcpkit.protocol.stages import Proceed, Reply, declared_name
from mcpkit.security.untrusted import clean_line

if TYPE_CHECKING:
    from mcpkit.monitoring.metrics import CallMetrics


_LONGEST_ID = 64  # characters of the id that a client gave its request


class Measure:
    """The outermost stage: what the audit costs, and a call that it stops, counts too. Every line that is logged during
    the call has its `request_id`, `method` and `tool`, and its `principal` once that is known."""

    def __init__(self, metrics: "CallMetrics | None") -> None:
        self._metrics = metrics

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        began = time.perf_counter()
        status, characters, tool = "failed", 0, declared_name(call)
        if self._metrics is not None:
            self._metrics.started()
        with during({"request_id": call.id or new_request_id(), "method": call.kind, "tool": tool}):
            try:
                reply = await proceed(call)
            except Fault as fault:
                status = fault.code.name
                raise
            except anyio.get_cancelled_exc_class():
                status = "cancelled"
                raise
            else:
                status, characters = "ok", reply.characters
                return reply
            finally:
                seconds = time.perf_counter() - began
                if self._metrics is not None:
                    self._metrics.ended(call.kind, tool, status, seconds, characters)
                log_call(lambda: _outcome(call, status, seconds, characters))


def _outcome(call: Call, status: str, seconds: float, characters: int) -> dict[str, object]:
    given = call.request_id
    return {
        "principal": without_secrets(clean_line(call.principal.user)) if call.principal else "",
        "status": status,
        "duration_ms": round(seconds * 1000, 3),
        "characters": characters,
        "transport": call.transport,
        "rpc_id": given if given.isdecimal() else without_secrets(clean_line(given[:_LONGEST_ID])),
    }
