"""No principal asks for more than their share."""

from mcpkit.protocol.calls import Call
from mcpkit.protocol.stages import Proceed, Reply
from mcpkit.security.rate_limits import RateLimits


class LimitRate:
    """Stands after authorisation, so that a call counts for who was recognised, whatever they call and however it ends.
    The size of an answer is counted once the answer is made."""

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
