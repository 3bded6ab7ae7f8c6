"""What is watched, and who is told of it."""

import asyncio
from dataclasses import dataclass, field

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import ResourceText
from mcpkit.protocol.subscriptions import Subscriber, SubscriptionLimits, Subscriptions
from mcpkit.security.identity import Principal

A, B = "thing://a", "thing://b"


class Changes:
    """Changes when the test says so."""

    def __init__(self) -> None:
        self.number = 1
        self._changed = asyncio.Event()

    async def version(self) -> int:
        return self.number

    async def wait(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    def change(self) -> None:
        self.number += 1
        self._changed.set()


@dataclass
class Things:
    """Resources, and what befalls who reads them."""

    texts: dict[str, str] = field(default_factory=lambda: {A: "1", B: "1"})
    fault: Fault | None = None
    reads: int = 0

    async def read(self, call: Call) -> ResourceText:
        self.reads += 1
        call.principal = Principal("ana")
        if self.fault is not None:
            raise self.fault
        return ResourceText("text/plain", self.texts[call.name])


async def watching(subscriptions: Subscriptions, subscriber: Subscriber, things: Things, *uris: str) -> None:
    for uri in uris:
        call = Call("subscription", uri, {}, request_id="1", transport="memory")
        await subscriptions.watch(subscriber, call, things.read, things.read)


async def test_many_changes_are_one_announcement_and_none_is_none() -> None:
    changes, things = Changes(), Things()
    subscriptions = Subscriptions(changes)
    with subscriptions.subscriber("ana") as ana:
        await watching(subscriptions, ana, things, A, B)
        await subscriptions.look()
        assert things.reads == 2, "nothing changed: nothing is read again"
        for text in "23":
            things.texts[A] = text
            changes.change()
            await subscriptions.look()
        assert await ana.news() == [A]
        changes.change()  # something else
        await subscriptions.look()
        assert await ana.news(0.01) == []


async def test_a_change_while_it_is_subscribed_to_is_not_missed() -> None:
    changes, things = Changes(), Things()
    subscriptions = Subscriptions(changes)

    async def first(call: Call) -> ResourceText:
        content = await things.read(call)
        things.texts[A] = "2"
        changes.change()
        await subscriptions.look()
        return content

    with subscriptions.subscriber("ana") as ana:
        call = Call("subscription", A, {}, request_id="1", transport="memory")
        await subscriptions.watch(ana, call, first, things.read)
        await subscriptions.look()
        assert await ana.news() == [A]


@pytest.mark.parametrize("code", [ErrorCode.NOT_FOUND, ErrorCode.FORBIDDEN, ErrorCode.CONSENT_REQUIRED])
async def test_who_may_not_read_it_now_is_told_nothing(code: ErrorCode) -> None:
    changes, things = Changes(), Things()
    subscriptions = Subscriptions(changes)
    with subscriptions.subscriber("ana") as ana:
        await watching(subscriptions, ana, things, A)
        things.fault = Fault(code, "not now")
        things.texts[A] = "2"
        changes.change()
        await subscriptions.look()
        assert await ana.news(0.01) == []


async def test_what_cannot_be_read_for_a_while_is_told_afterwards() -> None:
    changes, things = Changes(), Things()
    subscriptions = Subscriptions(changes)
    with subscriptions.subscriber("ana") as ana:
        await watching(subscriptions, ana, things, A)
        things.fault = Fault(ErrorCode.TIMEOUT, "slow")
        things.texts[A] = "2"
        changes.change()
        await subscriptions.look()
        things.fault = None
        await subscriptions.look()
        assert await ana.news() == [A]


async def test_who_is_admitted_no_more_is_forgotten() -> None:
    changes, things = Changes(), Things()
    subscriptions = Subscriptions(changes)

    async def revoked() -> bool:
        return False

    with subscriptions.subscriber("ana") as ana:
        call = Call("subscription", A, {}, request_id="1", transport="http", still_admitted=revoked)
        await subscriptions.watch(ana, call, things.read, things.read)
        things.texts[A] = "2"
        changes.change()
        await subscriptions.look()
        assert await ana.news(0.01) == []
        assert subscriptions.watched == 0


async def test_there_is_a_most_for_a_client_a_user_and_in_all() -> None:
    subscriptions, things = Subscriptions(Changes(), SubscriptionLimits(2, 3, 4)), Things()
    with subscriptions.subscriber("ana") as first, subscriptions.subscriber("ana") as second:
        things.texts |= {f"thing://{number}": "" for number in range(9)}
        await watching(subscriptions, first, things, A, B)
        for subscriber in (first, second):
            if subscriber is second:
                await watching(subscriptions, second, things, A)
            with pytest.raises(Fault) as refused:
                await watching(subscriptions, subscriber, things, "thing://1")
            assert refused.value.code is ErrorCode.RATE_LIMITED
        with subscriptions.subscriber("bo") as bo:
            await watching(subscriptions, bo, things, A)
            with pytest.raises(Fault):
                await watching(subscriptions, bo, things, B)
    assert subscriptions.watched == 0, "who has ended is forgotten"


async def test_it_looks_by_itself_while_anything_is_watched() -> None:
    changes, things = Changes(), Things()
    subscriptions = Subscriptions(changes)
    running = asyncio.create_task(subscriptions())
    with subscriptions.subscriber("ana") as ana:
        await watching(subscriptions, ana, things, A)
        things.texts[A] = "2"
        changes.change()
        assert await ana.news(10) == [A]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert ana.ended, "with what announces, the streams end"
