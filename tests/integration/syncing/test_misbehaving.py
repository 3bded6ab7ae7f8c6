"""Whatever a server says, nothing is lost, and nothing wrong is stored."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from mailquery.domain.accounts import AccountState
from mailquery.domain.messages import Flag
from mailquery.domain.uids import UidSet
from mailquery.repositories.sqlite.accounts import SqliteAccounts
from mailquery.repositories.synchronising import Outcome
from mailquery.sources.remote import MailboxState, MailConnection, Reason, RemoteMailbox
from mcpkit.errors import ErrorCode, Fault
from support.mail_accounts import (
    NAME,
    ParsedHere,
    Synchronised,
    account_anywhere,
    gone,
    keys,
    letter,
    stored,
    synchronised,
)
from support.remote_mail import RemoteMail, nothing, unavailable

LETTERS = [letter(number) for number in range(40)]


@pytest.fixture
def server() -> RemoteMail:
    return RemoteMail()


@pytest.fixture
async def home(server: RemoteMail, tmp_path: Path) -> AsyncIterator[Synchronised]:
    async with synchronised(tmp_path, account_anywhere(), server.of, ParsedHere) as found:
        yield found


def at(call: str, number: int, error: BaseException) -> Callable[[str], None]:
    """Raises `error` at the call of this name with this number."""
    count = 0

    def step(name: str) -> None:
        nonlocal count
        count += name == call
        if name == call and count == number:
            raise error

    return step


async def test_a_mailbox_of_which_most_is_missing_is_asked_about(server: RemoteMail, home: Synchronised) -> None:
    uids = [server.put(raw) for raw in LETTERS[:30]]
    await home.sync()
    server.boxes["INBOX"].expunge(*uids[:16])
    server.put(LETTERS[35])

    summary = await home.sync()

    (question,) = summary.questions
    assert (question.mailbox, question.missing, question.messages) == ("INBOX", 16, 30)
    assert (summary.gone, summary.added) == (0, 1)
    assert set((await stored(home.database))["INBOX"]) == {*LETTERS[:30], LETTERS[35]}
    assert await gone(home.database) == {}


async def test_the_archive_follows_once_when_deletions_are_accepted(server: RemoteMail, home: Synchronised) -> None:
    uids = [server.put(raw) for raw in LETTERS[:30]]
    await home.sync()
    server.boxes["INBOX"].expunge(*uids[:16])
    await home.sync()

    await home.service.answer(NAME, "INBOX", accepted=True)
    summary = await home.sync()

    assert (summary.gone, summary.questions) == (16, ())
    assert set((await stored(home.database))["INBOX"]) == set(LETTERS[16:30])
    server.boxes["INBOX"].expunge(*uids[16:29])
    assert len((await home.sync()).questions) == 1


async def test_what_is_kept_stays_visible_and_is_marked(server: RemoteMail, home: Synchronised) -> None:
    uids = [server.put(raw) for raw in LETTERS[:30]]
    await home.sync()
    server.boxes["INBOX"].expunge(*uids[:16])
    await home.sync()

    await home.service.answer(NAME, "INBOX", accepted=False)
    summary = await home.sync()

    assert summary.questions == ()
    left = await gone(home.database)
    assert set(left) == set(LETTERS[:16])
    assert not any(flags & Flag.HIDDEN for flags in left.values())
    assert (await home.sync()).questions == ()


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


async def test_there_is_nothing_to_answer_where_nothing_was_asked(server: RemoteMail, home: Synchronised) -> None:
    server.put(LETTERS[0])
    await home.sync()
    with pytest.raises(Fault) as caught:
        await home.service.answer(NAME, "INBOX", accepted=True)
    assert caught.value.code is ErrorCode.NOT_FOUND


async def test_a_question_is_forgotten_when_the_mail_is_back(server: RemoteMail, home: Synchronised) -> None:
    for raw in LETTERS[:30]:
        server.put(raw)
    await home.sync()
    box = server.boxes["INBOX"]
    before = dict(box.messages)
    box.expunge(*list(before)[:20])
    assert len((await home.sync()).questions) == 1
    box.messages = before
    box.modseq += 1

    assert (await home.sync()).questions == ()
    assert set((await stored(home.database))["INBOX"]) == set(LETTERS[:30])


@pytest.mark.parametrize(("had", "missing", "asks"), [(30, 15, False), (30, 16, True), (12, 9, False), (12, 10, True)])
async def test_the_archive_asks_from_ten_messages_and_more_than_half_on(
    server: RemoteMail, home: Synchronised, had: int, missing: int, asks: bool
) -> None:
    uids = [server.put(raw) for raw in LETTERS[:had]]
    await home.sync()
    server.boxes["INBOX"].expunge(*uids[:missing])

    summary = await home.sync()

    assert len(summary.questions) == asks
    assert summary.gone == (0 if asks else missing)


async def test_what_moved_is_not_missing(server: RemoteMail, home: Synchronised) -> None:
    uids = [server.put(raw) for raw in LETTERS[:30]]
    await home.sync()
    for uid in uids[:28]:
        server.move(uid, "INBOX", "Archive")

    summary = await home.sync()

    assert (summary.questions, summary.moved, summary.gone) == ((), 28, 0)
    assert set((await stored(home.database))["Archive"]) == set(LETTERS[:28])


async def test_mail_in_two_mailboxes_that_vanishes_from_both_is_asked_about(
    server: RemoteMail, home: Synchronised
) -> None:
    uids = [server.put(raw) for raw in LETTERS[:30]]
    for uid in uids:
        server.copy(uid, "INBOX", "Copies")
    await home.sync()
    for name in ("INBOX", "Copies"):
        server.boxes[name].expunge(*list(server.boxes[name].messages))

    summary = await home.sync()

    assert summary.gone == 0
    assert len(summary.questions) >= 1
    assert {raw for found in (await stored(home.database)).values() for raw in found} == set(LETTERS[:30])


async def test_many_small_mailboxes_that_empty_at_once_are_asked_about(server: RemoteMail, home: Synchronised) -> None:
    for number, raw in enumerate(LETTERS):
        server.put(raw, f"Box {number // 5}")
    await home.sync()
    for name, box in server.boxes.items():
        if name != "INBOX":
            box.expunge(*list(box.messages))

    summary = await home.sync()

    assert (summary.gone, len(summary.questions)) == (0, 8)
    assert await gone(home.database) == {}


async def test_mailboxes_that_are_not_listed_any_more_are_asked_about(server: RemoteMail, home: Synchronised) -> None:
    for raw in LETTERS[:20]:
        server.put(raw, "Work")
    await home.sync()
    del server.boxes["Work"]

    summary = await home.sync()
    assert (summary.gone, [each.mailbox for each in summary.questions]) == (0, ["Work"])
    await home.service.answer(NAME, "Work", accepted=True)
    assert (await home.sync()).gone == 20
    assert await stored(home.database) == {}


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


async def test_a_mailbox_that_is_empty_of_a_sudden_is_asked_about_whatever_its_uidnext_is(
    server: RemoteMail, home: Synchronised
) -> None:
    for raw in LETTERS[:20]:
        server.put(raw)
    await home.sync()
    ids = await keys(home.database)
    box = server.boxes["INBOX"]
    box.expunge(*range(1, 21))
    box.uid_next = 1

    for _ in range(2):  # it is asked about until somebody has answered
        summary = await home.sync()
        assert (summary.added, summary.gone, len(summary.questions)) == (0, 0, 1)
        assert await gone(home.database) == {}
    box.uid_next = 1
    server.put(LETTERS[3])
    assert (await home.sync()).added == 0
    assert await keys(home.database) == ids
    assert await gone(home.database) == {}


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
    server.before = at("fetch", 1, asked)

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


@pytest.mark.parametrize("target", ["INBOX", "Made just now"])
async def test_mail_that_moves_while_the_mailboxes_are_looked_at_is_not_gone(
    server: RemoteMail, home: Synchronised, target: str
) -> None:
    uid = server.put(LETTERS[0], "Work")
    await home.sync()
    server.put(LETTERS[1])
    server.put(LETTERS[2], "Work")
    opened: list[str] = []

    def step(call: str) -> None:
        if call == "open":
            opened.append(call)
            if len(opened) == 2:  # INBOX was looked at, and "Work" was not yet
                server.move(uid, "Work", target)

    server.before = step

    summary = await home.sync()

    assert (summary.added, summary.moved, summary.gone) == (2, 1, 0)
    assert await gone(home.database) == {}
    assert await stored(home.database) == server.content()


async def test_a_changed_numbering_in_the_middle_is_left_to_the_next_time(
    server: RemoteMail, home: Synchronised
) -> None:
    for raw in LETTERS[:10]:
        server.put(raw)
    server.put(LETTERS[11], "Work")

    def renumbers(state: MailboxState, mailbox: str) -> MailboxState:
        return state

    server.lies["open"] = renumbers
    server.before = at("describe", 1, unavailable(Reason.BROKEN_OFF))
    count = 0

    def other(state: MailboxState, mailbox: str) -> MailboxState:
        nonlocal count
        count += mailbox == "INBOX"
        return MailboxState(999_999, state.uid_next, state.messages, state.highest_modseq) if count == 2 else state

    server.lies["open"] = other

    summary = await home.sync()

    assert [each.mailbox for each in summary.failed] == ["INBOX"]
    server.lies.clear()
    await home.sync()
    assert await stored(home.database) == server.content()


class PausedMeanwhile:
    """The server of an account that the user pauses while its synchronisation connects."""

    bytes_received = 0

    def __init__(self, server: RemoteMail, accounts: SqliteAccounts) -> None:
        self._server = server
        self._accounts = accounts

    async def connect(self) -> MailConnection:
        await self._accounts.set_state(NAME, AccountState.PAUSED, "by the user")
        return await self._server.connect()


@pytest.mark.parametrize("refused", [False, True])
async def test_an_account_that_is_paused_meanwhile_stays_paused(
    server: RemoteMail, home: Synchronised, *, refused: bool
) -> None:
    await home.accounts.set_state(NAME, AccountState.NEEDS_LOGIN, "refused before")
    home.server_of = lambda _: PausedMeanwhile(server, home.accounts)
    if refused:
        server.before = at("connect", 1, Fault(ErrorCode.LOGIN_FAILED, "refused"))

    with pytest.raises(Fault, match="refused") if refused else nullcontext():
        await home.sync()

    account = await home.accounts.get(NAME)
    assert account is not None
    assert (account.state, account.state_reason) == (AccountState.PAUSED, "by the user")


async def test_one_that_was_stopped_has_no_error(server: RemoteMail, home: Synchronised) -> None:
    server.before = at("mailboxes", 1, asyncio.CancelledError())

    with pytest.raises(asyncio.CancelledError):
        await home.sync()

    standing = await home.accounts.standing(NAME)
    assert (standing.outcome, standing.error, standing.failures) == (Outcome.STOPPED, "", 0)
