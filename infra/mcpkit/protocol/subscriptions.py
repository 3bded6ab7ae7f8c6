"""Who wants to be told when a resource changes, and telling them.

What is announced is that a resource gives something else than it gave before, to the caller who subscribed, read as
that caller may read it at that moment. So a change that a caller may not see is never announced to them, and many
changes at once are one announcement.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import ResourceBytes, ResourceText
from mcpkit.security.identity import Principal

logger = logging.getLogger(__name__)

_SHARE = 4  # for one second of looking there are so many without
# What passes; whatever else keeps a resource from being read is an answer: it is not for this caller now.
_PASSING = frozenset({ErrorCode.TIMEOUT, ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.CONFLICT, ErrorCode.INTERNAL_ERROR})

Content = ResourceText | ResourceBytes
Read = Callable[[Call], Awaitable[Content]]


class Changes(Protocol):
    """When it is worth looking at the resources again."""

    async def version(self) -> int:
        """Another number whenever anything may have changed."""
        ...

    async def wait(self) -> None:
        """Until something may have changed, or for as long as a change may go unseen."""
        ...


@dataclass(frozen=True, slots=True)
class SubscriptionLimits:
    """How many resources are watched at most: for one session or stream, for one user, and in all. A stream counts as
    one resource at least."""

    of_client: int = 64
    of_user: int = 256
    in_all: int = 2048


@dataclass(slots=True)
class _Watched:
    """`call` is as it was made; each look makes it anew. `digest` is of what it gave, at `version`."""

    call: Call
    read: Read
    caller: Principal
    version: int
    digest: bytes


class Subscriber:
    """One session, or one stream, of one user. What it is to be told waits here, each URI once, until it is taken."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.ended = False
        self.watched: dict[str, _Watched] = {}
        self._news: dict[str, None] = {}
        self._changed = asyncio.Event()

    @property
    def weight(self) -> int:
        return max(1, len(self.watched))

    def announce(self, uri: str) -> None:
        self._news[uri] = None
        self._changed.set()

    def forget(self, uri: str) -> None:
        self.watched.pop(uri, None)
        self._news.pop(uri, None)

    def end(self) -> None:
        self.ended = True
        self._changed.set()

    async def news(self, seconds: float | None = None) -> list[str]:
        """What changed since this was last asked: waits for it, at most `seconds`. Nothing where it has ended."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return []
        self._changed.clear()
        news = [] if self.ended else list(self._news)
        self._news.clear()
        return news


class Subscriptions:
    """All that are watched by one server. To be run beside it."""

    def __init__(self, changes: Changes, limits: SubscriptionLimits | None = None) -> None:
        self.limits = limits or SubscriptionLimits()
        self._changes = changes
        self._subscribers: set[Subscriber] = set()
        self._any = asyncio.Event()

    @property
    def watched(self) -> int:
        return sum(len(subscriber.watched) for subscriber in self._subscribers)

    @contextmanager
    def subscriber(self, user: str) -> Iterator[Subscriber]:
        """One that is forgotten at the end. Raises Fault RATE_LIMITED where there are too many."""
        subscriber = self.join(user)
        try:
            yield subscriber
        finally:
            self.leave(subscriber)

    def join(self, user: str) -> Subscriber:
        """Raises Fault RATE_LIMITED where there are too many."""
        self._check_room(user, 1)
        subscriber = Subscriber(user)
        self._subscribers.add(subscriber)
        return subscriber

    def end(self) -> None:
        """Ends all of them: each stream gets its result."""
        for subscriber in tuple(self._subscribers):
            subscriber.end()

    def leave(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)
        subscriber.watched.clear()
        subscriber.end()

    async def watch(self, subscriber: Subscriber, call: Call, first: Read, again: Read) -> None:
        """Watches the resource that `call` reads. `first` reads it now, with all that a call goes through; `again` is
        how it is read at each look.

        Raises Fault: what reading it raises; RATE_LIMITED where too many are watched.
        """
        self._check_room(subscriber.user, 0 if call.name in subscriber.watched else 1, subscriber)
        again_as_now = _as_made(call)
        # Before reading: a change meanwhile is then seen at the next look.
        version = await self._changes.version()
        digest = _digest(await first(call))
        self._check_room(subscriber.user, 0 if call.name in subscriber.watched else 1, subscriber)
        if not subscriber.ended:
            subscriber.watched[call.name] = _Watched(again_as_now, again, call.caller, version, digest)
            self._any.set()

    def _check_room(self, user: str, more: int, subscriber: Subscriber | None = None) -> None:
        own = 0 if subscriber is None else len(subscriber.watched)
        more = 0 if subscriber is not None and not own else more  # its first one was counted when it joined
        of_user = sum(each.weight for each in self._subscribers if each.user == user)
        if (
            own >= self.limits.of_client
            or of_user + more > self.limits.of_user
            or sum(each.weight for each in self._subscribers) + more > self.limits.in_all
        ):
            raise Fault(
                ErrorCode.RATE_LIMITED,
                f"Too many resources are subscribed to: {self.limits.of_client} by one client and "
                f"{self.limits.of_user} by one user at most. Unsubscribe from some first.",
            )

    async def __call__(self) -> None:
        """Announces until it is cancelled."""
        try:
            while True:
                await self._any.wait()
                began = time.monotonic()
                try:
                    await self.look()
                except Fault as fault:
                    logger.warning("what changed cannot be told now: %s", fault.told_here)
                if not self.watched:
                    self._any.clear()
                    continue
                await asyncio.sleep(_SHARE * (time.monotonic() - began))
                await self._changes.wait()
        finally:
            self.end()

    async def look(self) -> None:
        """Looks at what may have changed, and announces what did. Raises Fault where that cannot be told now."""
        version = await self._changes.version()
        found: dict[tuple[object, ...], bytes | None] = {}
        for subscriber in tuple(self._subscribers):
            for uri, watched in tuple(subscriber.watched.items()):
                if watched.version == version:
                    continue
                if not await watched.call.still_admitted():
                    subscriber.forget(uri)
                    continue
                key = (watched.caller, watched.call.transport, uri)
                try:
                    if key not in found:
                        found[key] = await _read_again(watched)
                except Fault:
                    continue  # passing: the version stays behind, and the next look tries again
                watched.version = version
                digest = found[key]
                if digest is not None and digest != watched.digest:
                    watched.digest = digest
                    if subscriber.watched.get(uri) is watched:
                        subscriber.announce(uri)


async def _read_again(watched: _Watched) -> bytes | None:
    """None where the caller may not read it now, or there is none. Raises Fault where that cannot be told."""
    try:
        return _digest(await watched.read(_as_made(watched.call)))
    except Fault as fault:
        if fault.code in _PASSING:
            raise
        return None


def _as_made(call: Call) -> Call:
    """The call before any stage ran. Nobody is asked anything because of a change."""
    return Call(
        kind=call.kind,
        name=call.name,
        arguments=call.arguments,
        request_id=call.request_id,
        transport=call.transport,
        protocol_version=call.protocol_version,
        client=call.client,
        headers=call.headers,
        authenticated=call.authenticated,
        still_admitted=call.still_admitted,
        declaration=call.declaration,
    )


def _digest(content: Content) -> bytes:
    data = content.text.encode("utf-8", "surrogatepass") if isinstance(content, ResourceText) else content.blob
    return hashlib.sha256(data).digest()
