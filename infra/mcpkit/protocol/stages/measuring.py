"""Every call is counted and timed, whatever became of it."""

import time
from typing import TYPE_CHECKING

import anyio

from mcpkit.errors import Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Completion, Resource
from mcpkit.protocol.stages import Proceed, Reply

if TYPE_CHECKING:
    from mcpkit.monitoring.metrics import CallMetrics

UNKNOWN = "(unknown)"  # what nobody declared: its name is the caller's text


class Measure:
    """The outermost stage: what the audit costs, and a call that it stops, counts too."""

    def __init__(self, metrics: "CallMetrics") -> None:
        self._metrics = metrics

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        began = time.perf_counter()
        status, characters = "failed", 0
        self._metrics.started()
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
            self._metrics.ended(call.kind, _name(call), status, time.perf_counter() - began, characters)


def _name(call: Call) -> str:
    match call.declaration:
        case None:
            return UNKNOWN
        case Resource(uri=uri):
            return uri
        case Completion(reference=reference):
            return reference
        case declared:
            return declared.name
