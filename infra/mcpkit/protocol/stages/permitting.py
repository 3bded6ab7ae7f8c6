"""What the operator's policy does not allow does not exist, whoever asks."""

from collections.abc import Callable

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Declaration
from mcpkit.protocol.stages import Proceed, Reply
from mcpkit.security.identity import Principal

Allowed = Callable[[Principal, Declaration], bool]


def everything(principal: Principal, declaration: Declaration) -> bool:
    """No policy."""
    del principal, declaration
    return True


class Permit:
    """Stands before validation: the schema of a tool that is not there is not explained."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        if call.declaration is None or not self._allowed(call.caller, call.declaration):
            raise Fault(ErrorCode.FORBIDDEN, f"There is no such {call.kind}.")
        return await proceed(call)
