"""What was answered before, and is the same still, is answered from memory; what is asked several times at once is
answered once."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

import anyio

from mcpkit.protocol.calls import Call
from mcpkit.protocol.stages import Proceed, Reply
from mcpkit.protocol.stages.drafts import Draft
from mcpkit.resilience.cache import Cache


@dataclass(frozen=True, slots=True)
class Asked:
    """`state` is of all that answers rest on: with another one, nothing that was kept is true any more. `key` is all
    else that this answer follows from: the call, and who sees what. It is best made of text, bytes and tuples of them,
    which the garbage collector need not look at. `may_be_kept` is asked where there is no answer yet."""

    state: Hashable
    key: Hashable
    may_be_kept: Callable[[], bool] = field(default=lambda: True, compare=False)


Basis = Callable[[Call], Awaitable[Asked | None]]
"""What the answer to a call follows from, looked at before the call runs. None: nobody can say, or it is never
kept."""


@dataclass(slots=True)
class _Making:
    """An answer that is being made. Once that is `over` there is its `draft`, if others may have it. It was `given_up`
    where its own caller went away."""

    over: anyio.Event = field(default_factory=anyio.Event)
    draft: Draft | None = None
    given_up: bool = False


class Remember:
    """Stands inside of all that decides about a call and records it, and around what makes its answer: a call that is
    answered from memory was identified, limited, allowed, consented to and is recorded as any other, and its answer
    has fence marks of its own. So are calls that are the same and come while the first of them is still answered: they
    wait for its answer, and where that is one that would not be kept, or an error, each makes its own."""

    def __init__(self, cache: Cache[Hashable, Draft], basis: Basis) -> None:
        self._cache = cache
        self._basis = basis
        self._state: Hashable = None
        self._making: dict[Asked, _Making] = {}

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        asked = await self._basis(call)
        if asked is None:
            return await proceed(call)
        if asked.state != self._state:
            self._cache.clear()
            self._state = asked.state
        while self._making and (making := self._making.get(asked)) is not None:
            await making.over.wait()
            if making.draft is not None:
                self._cache.note_shared()
                return _again(making.draft)
            if not making.given_up:
                return await proceed(call)
            # One of those who waited makes it now, and the others wait again.
        draft = self._cache.get(asked.key)
        if draft is not None:
            return _again(draft)
        return await (self._make(asked, call, proceed) if asked.may_be_kept() else proceed(call))

    async def _make(self, asked: Asked, call: Call, proceed: Proceed) -> Reply:
        making = self._making[asked] = _Making()
        try:
            reply = await proceed(call)
        except anyio.get_cancelled_exc_class():
            making.given_up = True
            raise
        else:
            if reply.draft is not None and reply.draft.lasts:
                # Those who wait saw this state too, so that to them it is as new as one of their own.
                making.draft = reply.draft
                # Whatever was written since the state was looked at, this answer may know it or not: it is kept for
                # nobody who comes later.
                if asked.state == self._state:
                    self._cache.put(asked.key, reply.draft, reply.draft.size)
            return reply
        finally:
            del self._making[asked]
            making.over.set()


def _again(draft: Draft) -> Reply:
    return Reply(None, None, draft.characters, draft.disclosed, draft)
