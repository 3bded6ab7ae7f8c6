"""Tickets for one thing, one principal and one use."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from mcpkit.database.sqlite import Database
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.control import open_control
from mcpkit.security.identity import Principal
from mcpkit.security.tickets import Tickets
from mcpkit.security.tokens import SignedTokens

ANA = Principal("ana", client="key-1")
KEY = SignedTokens(b"k" * 32)


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def databases(tmp_path: Path) -> AsyncIterator[list[Database]]:
    """The same control database, opened as by three processes."""
    async with AsyncExitStack() as opened:
        yield [await opened.enter_async_context(await open_control(tmp_path / "control.db")) for _ in range(3)]


async def used(tickets: Tickets, text: str) -> bool:
    try:
        await tickets.use(tickets.open(text))
    except Fault as fault:
        if fault.code is not ErrorCode.NOT_FOUND:
            raise
        return False
    return True


async def test_of_many_at_once_one_uses_it(databases: list[Database]) -> None:
    workers = [Tickets(KEY, database) for database in databases]
    text = workers[0].issue(ANA, "m1-2", credential=True)
    outcomes = await asyncio.gather(*(used(workers[number % 3], text) for number in range(30)))
    assert sum(outcomes) == 1
    assert await workers[1].is_used(workers[1].open(text))
    assert not await workers[1].is_used(workers[1].open(workers[0].issue(ANA, "m1-2", credential=True)))


async def test_it_is_good_for_whom_it_was_given_to(databases: list[Database]) -> None:
    tickets = Tickets(KEY, databases[0])
    ticket = tickets.open(tickets.issue(ANA, "m1-2", credential=True))
    assert ticket.reference == "m1-2"
    tickets.check(ticket, ANA, credential=True)
    for other in (Principal("ben", client="key-1"), Principal("ana", client="key-2"), Principal("ana")):
        with pytest.raises(Fault) as refused:
            tickets.check(ticket, other, credential=True)
        assert refused.value.code is ErrorCode.NOT_FOUND
    # Over a connection without a credential, what the client calls itself has no say.
    local = tickets.open(tickets.issue(Principal("me", client="Claude 1.0"), "m1-2", credential=False))
    tickets.check(local, Principal("me", client=""), credential=False)


async def test_it_expires_and_what_expired_is_forgotten(databases: list[Database]) -> None:
    clock = Clock()
    tickets = Tickets(KEY, databases[0], lasts=300, clock=clock)
    first, second = (tickets.issue(ANA, "m1-2", credential=True) for _ in range(2))
    assert first != second
    assert await used(tickets, first)
    opened = tickets.open(second)
    clock.now += 300
    assert not await used(tickets, second)
    with pytest.raises(Fault):
        await tickets.use(opened)  # it expired while the file was being got
    assert await used(tickets, tickets.issue(ANA, "m1-2", credential=True))
    clock.now -= 300
    assert not await used(tickets, first)  # also where the clock is set back
    clock.now += 40 * 86_400
    assert await used(tickets, tickets.issue(ANA, "m1-2", credential=True))
    kept = await databases[0].read(
        lambda connection: connection.execute("SELECT count(*) FROM used_tickets").fetchone()
    )
    assert kept == (1,)


async def test_what_was_changed_or_made_elsewhere_is_none_and_says_nothing_of_its_holder(
    databases: list[Database],
) -> None:
    tickets = Tickets(KEY, databases[0])
    text = tickets.issue(ANA, "m1-2", credential=True)
    elsewhere = Tickets(SignedTokens(b"x" * 32), databases[0]).issue(ANA, "m1-2", credential=True)
    cursor = KEY.seal("search", {"number": "1", "reference": "m1-2", "holder": "", "expires": 9e9})
    for wrong in (text[:-2], text[::-1], elsewhere, cursor, "", "ü", "a" * 10_000):
        assert not await used(tickets, wrong)
    assert "ana" not in str(KEY.open("ticket", text))
