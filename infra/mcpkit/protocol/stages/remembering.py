"""What was answered before, and is the same still, is answered from memory."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from mcpkit.protocol.calls import Call
from mcpkit.protocol.stages import Proceed, Reply
from mcpkit.protocol.stages.drafts import Draft
from mcpkit.resilience.cache import Cache


@dataclass(frozen=True, slots=True)
class Asked:
    """`state` is of all that answers rest on: with another one, nothing that was kept is true any more. `key` is all
    else that this answer follows from: the call, and who sees what."""

    state: Hashable
    key: Hashable


Basis = Callable[[Call], Awaitable[Asked | None]]
"""What the answer to a call follows from, looked at before the call runs. None: nobody can say, or it is not to be
kept."""


class Remember:
    """Stands inside of all that decides about a call and records it, and around what makes its answer: a call that is
    answered from memory was identified, limited, allowed, consented to and is recorded as any other, and its answer
    has fence marks of its own."""

    def __init__(self, cache: Cache[Hashable, Draft], basis: Basis) -> None:
        self._cache = cache
        self._basis = basis
        self._state: Hashable = None

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        asked = await self._basis(call)
        if asked is None:
            return await proceed(call)
        if asked.state != self._state:
            self._cache.clear()
            self._state = asked.state
        draft = self._cache.get(asked.key)
        if draft is not None:
            return Reply(None, None, draft.characters, draft.disclosed, draft)
        reply = await proceed(call)
        # Whatever was written since the state was looked at, this answer may know it or not: it is kept for nobody.
        if reply.draft is not None and reply.draft.lasts and asked.state == self._state:
            self._cache.put(asked.key, reply.draft, reply.draft.size)
        return reply
