"""Servers that break off, are slow or busy: a run ends, and the next one goes on."""

import time
from dataclasses import replace

import anyio
import pytest

from mailquery.repositories.synchronising import Outcome
from mailquery.sources.remote import Reason
from mcpkit.errors import ErrorCode, Fault
from support.mail_accounts import (
    LETTERS,
    NAME,
    Synchronised,
    letter,
    stored,
)
from support.remote_mail import RemoteMail, fails_at, nothing, unavailable


async def test_a_run_that_lasts_too_long_ends_and_the_next_one_goes_on(server: RemoteMail, home: Synchronised) -> None:
    for raw in LETTERS:
        server.put(raw)
    longest = 0.3
    server.before = lambda name: time.sleep(2 * longest) if name == "fetch" else None
    with pytest.raises(Fault) as caught:
        await replace(home, options=replace(home.options, longest=longest)).sync()
    assert caught.value.code is ErrorCode.TIMEOUT
    standing = await home.accounts.standing(NAME)
    assert (standing.outcome, standing.error_code) == (Outcome.FAILED, "TIMEOUT")

    server.before = nothing
    await home.sync()
    assert set((await stored(home.database))["INBOX"]) == set(LETTERS)


async def test_one_message_that_breaks_every_connection_keeps_none_of_the_others_out(
    server: RemoteMail, home: Synchronised
) -> None:
    for raw in LETTERS:
        server.put(raw)

    def poisoned(found: dict[int, bytes], mailbox: str) -> dict[int, bytes]:
        if 20 in found:
            raise unavailable(Reason.BROKEN_OFF)
        return found

    server.lies["fetch"] = poisoned

    summary = await home.sync()

    assert (summary.added, [each.mailbox for each in summary.failed]) == (39, ["INBOX"])
    assert set((await stored(home.database))["INBOX"]) == {*LETTERS} - {LETTERS[19]}


async def test_a_server_that_always_breaks_off_is_given_up_in_the_end(server: RemoteMail, home: Synchronised) -> None:
    for number in range(100):
        server.put(letter(number), f"Box {number}")

    def broken(call: str) -> None:
        if call == "open":
            raise unavailable(Reason.BROKEN_OFF)

    server.before = broken

    with pytest.raises(Fault) as caught:
        await home.sync()

    assert caught.value.code is ErrorCode.SOURCE_UNAVAILABLE
    standing = await home.accounts.standing(NAME)
    assert (standing.outcome, standing.error_code, standing.failures) == (Outcome.FAILED, "SOURCE_UNAVAILABLE", 1)
    assert server.open_connections == 0


async def test_a_server_that_asks_for_a_day_of_rest_is_not_waited_for(server: RemoteMail, home: Synchronised) -> None:
    for raw in LETTERS:
        server.put(raw)
    asked = Fault(
        ErrorCode.SOURCE_UNAVAILABLE, "Too much.", details={"reason": Reason.BUSY.value}, retry_after=24 * 3600.0
    )
    server.before = fails_at("fetch", 1, asked)

    with anyio.fail_after(20), pytest.raises(Fault) as caught:
        await home.sync()

    assert caught.value.retry_after == 24 * 3600.0
    server.before = nothing
    await home.sync()
    assert await stored(home.database) == server.content()


async def test_fewer_connections_than_wanted_are_enough(server: RemoteMail, home: Synchronised) -> None:
    for number in range(1_000):
        server.put(letter(number))
    server.connections_allowed = 1

    summary = await home.sync()

    assert summary.added == 1_000
    assert server.open_connections == 0
