"""Who calls, before anything else is asked of the call; inside of the audit, which records who was turned away."""

from mcpkit.logs import add_field
from mcpkit.protocol.calls import Call
from mcpkit.protocol.identity import IdentityProvider
from mcpkit.protocol.stages import Proceed, Reply


class Identify:
    def __init__(self, identity: IdentityProvider) -> None:
        self._identity = identity

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        call.principal = await self._identity.identify(call)
        add_field("principal", call.principal.user)
        return await proceed(call)
