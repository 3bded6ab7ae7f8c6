"""What changes on the server, or of the account, while a run is under way."""

import asyncio
from contextlib import nullcontext

import pytest

from mailquery.domain.accounts import AccountState
from mailquery.repositories.sqlite.accounts import SqliteAccounts
from mailquery.repositories.synchronising import Outcome
from mailquery.sources.remote import MailboxState, MailConnection, Reason
from mcpkit.errors import ErrorCode, Fault
from support.mail_accounts import (
    LETTERS,
    NAME,
    Synchronised,
    gone,
    stored,
)
from support.remote_mail import RemoteMail, fails_at, unavailable


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

    server.before = fails_at("describe", 1, unavailable(Reason.BROKEN_OFF))
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
        server.before = fails_at("connect", 1, Fault(ErrorCode.LOGIN_FAILED, "refused"))

    with pytest.raises(Fault, match="refused") if refused else nullcontext():
        await home.sync()

    account = await home.accounts.get(NAME)
    assert account is not None
    assert (account.state, account.state_reason) == (AccountState.PAUSED, "by the user")


async def test_one_that_was_stopped_has_no_error(server: RemoteMail, home: Synchronised) -> None:
    server.before = fails_at("mailboxes", 1, asyncio.CancelledError())

    with pytest.raises(asyncio.CancelledError):
        await home.sync()

    standing = await home.accounts.standing(NAME)
    assert (standing.outcome, standing.error, standing.failures) == (Outcome.STOPPED, "", 0)
