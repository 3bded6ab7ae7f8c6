"""No principal asks for more than their share."""

from mcpkit.protocol.calls import Call
from mcpkit.protocol.stages import Proceed, Reply
from mcpkit.security.limits.rate_limits import RateLimits


class LimitRate:
    """Stands as soon as it is known who calls, so that a call counts whatever is called and however it ends: one that
    is refused is recorded, which is work too. The size of an answer is counted once the answer is made."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        user = call.caller.user
        with self._limits.running(user):
            await self._limits.request(user)
            await self._limits.check_characters(user)
            reply = await proceed(call)
            await self._limits.spend_characters(user, reply.characters)
        return reply
