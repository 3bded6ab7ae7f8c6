"""Errors that nobody expected become faults that tell nothing but where the log has the rest."""

from mcpkit.errors import Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.mapping import contain
from mcpkit.protocol.stages import Proceed, Reply


class ContainErrors:
    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        try:
            return await proceed(call)
        except Fault:
            raise
        except Exception as error:
            raise contain(error, f"running the {call.kind} {call.name}") from error
