"""What the principal has no permission for does not exist for them."""

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.stages import Proceed, Reply


class Authorise:
    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        if call.declaration is None or not call.caller.may(call.declaration.permission):
            raise Fault(ErrorCode.FORBIDDEN, f"There is no such {call.kind}.")
        return await proceed(call)
