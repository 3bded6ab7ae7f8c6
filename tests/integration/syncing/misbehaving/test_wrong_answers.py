"""Whatever a server says, nothing is lost, and nothing wrong is stored."""

import pytest

from mailquery.domain.messages import Flag
from mailquery.domain.uids import UidSet
from mailquery.sources.remote import Reason, RemoteMailbox
from support.mail_accounts import (
    LETTERS,
    NAME,
    Synchronised,
    gone,
    keys,
    letter,
    stored,
)
from support.remote_mail import RemoteMail, unavailable


async def test_a_list_without_mailboxes_deletes_nothing(server: RemoteMail, home: Synchronised) -> None:
    server.put(LETTERS[0])
    server.put(LETTERS[1], "Work")
    await home.sync()
    server.lies["mailboxes"] = lambda listed: []

    summary = await home.sync()

    assert (summary.gone, summary.mailboxes) == (0, 0)
    assert set(await stored(home.database)) == {"INBOX", "Work"}


async def test_a_mailbox_that_is_left_out_of_the_list_and_is_there_is_not_given_up(
    server: RemoteMail, home: Synchronised
) -> None:
    server.put(LETTERS[0])
    server.put(LETTERS[1], "Work")
    await home.sync()

    def without_work(listed: list[RemoteMailbox]) -> list[RemoteMailbox]:
        return [each for each in listed if each.name != "Work"]

    server.lies["mailboxes"] = without_work

    assert (await home.sync()).gone == 0
    assert set(await stored(home.database)) == {"INBOX", "Work"}


@pytest.mark.parametrize("call", ["open", "uids", "describe", "fetch"])
@pytest.mark.parametrize("reason", [Reason.REFUSED, Reason.BROKEN_OFF, Reason.PROTOCOL])
async def test_a_mailbox_that_cannot_be_read_deletes_nothing(
    server: RemoteMail, home: Synchronised, call: str, reason: Reason
) -> None:
    uid = server.put(LETTERS[0])
    server.put(LETTERS[1], "Work")
    await home.sync()
    server.move(uid, "INBOX", "Work")

    def never(answer: object, mailbox: str) -> object:
        if mailbox == "Work":
            raise unavailable(reason)
        return answer

    server.lies[call] = never

    summary = await home.sync()

    assert [each.mailbox for each in summary.failed] == ["Work"]
    assert summary.gone == 0
    assert LETTERS[0] in (await stored(home.database))["INBOX"]
    server.lies.clear()
    assert (await home.sync()).failed == ()
    assert await stored(home.database) == server.content()


async def test_a_search_that_finds_less_than_there_is_deletes_nothing(server: RemoteMail, home: Synchronised) -> None:
    for raw in LETTERS[:20]:
        server.put(raw)
    await home.sync()
    server.put(LETTERS[20])
    server.lies["uids"] = lambda uids, mailbox: uids.newest(3)

    summary = await home.sync()

    assert [each.mailbox for each in summary.failed] == ["INBOX"]
    assert set((await stored(home.database))["INBOX"]) == set(LETTERS[:21])
    server.lies.clear()
    summary = await home.sync()
    assert (summary.failed, summary.gone) == ((), 0)


async def test_more_uids_than_messages_are_not_believed(server: RemoteMail, home: Synchronised) -> None:
    server.put(LETTERS[0])
    server.lies["uids"] = lambda uids, mailbox: UidSet(((1, 0xFFFFFFFF),))

    summary = await home.sync()

    assert [each.mailbox for each in summary.failed] == ["INBOX"]
    assert summary.added == 0


async def test_uids_that_are_given_a_second_time_are_mapped_by_content(server: RemoteMail, home: Synchronised) -> None:
    for raw in LETTERS[:20]:
        server.put(raw)
    await home.sync()
    ids = await keys(home.database)
    box = server.boxes["INBOX"]
    box.expunge(*range(13, 21))
    box.uid_next = 13  # a backup was restored
    for raw in LETTERS[30:33]:
        server.put(raw)

    summary = await home.sync()

    assert (summary.added, summary.gone) == (3, 0)
    found = await stored(home.database)
    assert found == server.content()
    left = await gone(home.database)
    assert set(left) == set(LETTERS[12:20])
    assert not any(flags & Flag.HIDDEN for flags in left.values())
    now = await keys(home.database)
    assert {raw: now[raw] for raw in ids} == ids


async def test_empty_bodies_are_not_stored(server: RemoteMail, home: Synchronised) -> None:
    for raw in LETTERS[:3]:
        server.put(raw)
    server.lies["fetch"] = lambda found, mailbox: dict.fromkeys(found, b"")

    summary = await home.sync()

    assert (summary.added, [each.mailbox for each in summary.failed]) == (0, ["INBOX"])
    assert (await home.accounts.standing(NAME)).pending == 3
    server.lies.clear()
    assert (await home.sync()).added == 3
    assert await stored(home.database) == server.content()


async def test_a_body_that_is_not_as_long_as_it_was_said_to_be_is_asked_for_again(
    server: RemoteMail, home: Synchronised
) -> None:
    server.put(letter(1, "x" * 10_000))
    server.put(letter(2, "y" * 90_000))
    times = 0

    def mixed_up(found: dict[int, bytes], mailbox: str) -> dict[int, bytes]:
        nonlocal times
        times += 1
        return dict(zip(found, reversed(list(found.values())), strict=True)) if times == 1 else found

    server.lies["fetch"] = mixed_up

    await home.sync()

    assert times == 2
    assert await stored(home.database) == server.content()


async def test_messages_that_nobody_asked_for_are_not_stored(server: RemoteMail, home: Synchronised) -> None:
    server.put(LETTERS[0])
    server.lies["fetch"] = lambda found, mailbox: {**found, 99: LETTERS[1]}

    await home.sync()

    assert await stored(home.database) == server.content()


async def test_an_empty_message_is_one(server: RemoteMail, home: Synchronised) -> None:
    server.put(b"")
    server.put(LETTERS[0])

    summary = await home.sync()

    assert (summary.added, summary.failed) == (2, ())
    assert await stored(home.database) == server.content()
