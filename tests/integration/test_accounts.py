"""Accounts on servers come back as they were put, and tell how their synchronisations went."""

from dataclasses import replace

import pytest

from integration.archives import ALL, Archive
from integration.mailmaker import mail
from mailquery.domain.accounts import AccountState, Login, MailAccount, OAuthClient, Security, Server, WhenGone
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.domain.uids import UidSet
from mailquery.repositories.sqlite.accounts import SqliteAccounts
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.repositories.synchronising import Arrival, KnownMailbox, Outcome, SyncStanding

PLAIN = MailAccount("home", "ana@home.example", Server("imap.home.example", 993), "ana", Login.PASSWORD)
FULL = MailAccount(
    "work",
    "ana@work.example",
    Server("127.0.0.1", 1143, Security.STARTTLS, "ab" * 32),
    "ana@work.example",
    Login.OAUTH,
    password_command="pass show work",
    oauth=OAuthClient(
        "google", "client", "https://a.example/auth", "https://a.example/token", "https://a.example/device", ("m", "o")
    ),
    include=("INBOX", "Lists/*"),
    exclude=("Spam",),
    when_gone=WhenGone.REMOVE,
    largest=1_000_000,
    state=AccountState.NEEDS_LOGIN,
    state_reason="The server refuses the token.",
)


@pytest.fixture
def accounts(archive: Archive) -> SqliteAccounts:
    return SqliteAccounts(archive.database)


async def test_an_account_comes_back_as_it_was_put(archive: Archive, accounts: SqliteAccounts) -> None:
    await accounts.put(FULL)
    await accounts.put(PLAIN)
    assert await accounts.all() == (PLAIN, FULL)
    assert await accounts.get("work") == FULL
    assert await accounts.get("none") is None
    changed = replace(PLAIN, server=Server("mail.home.example", 143), include=("A",))
    await accounts.put(changed)
    assert await accounts.get("home") == changed
    assert [account.name for account in await archive.directory.accounts(ALL)] == ["home", "work"]


async def test_its_state_can_be_set_by_itself(accounts: SqliteAccounts) -> None:
    await accounts.put(PLAIN)
    assert await accounts.set_state("home", AccountState.PAUSED, "By you.")
    assert await accounts.get("home") == replace(PLAIN, state=AccountState.PAUSED, state_reason="By you.")
    assert not await accounts.set_state("none", AccountState.PAUSED)


async def test_it_tells_how_the_last_synchronisation_went(accounts: SqliteAccounts) -> None:
    assert await accounts.standing("none") == SyncStanding()
    await accounts.put(PLAIN)
    assert await accounts.standing("home") == SyncStanding()
    await accounts.begun("home")
    running = await accounts.standing("home")
    assert (running.outcome, running.finished) == (Outcome.RUNNING, None)
    assert running.started is not None
    for failures in (1, 2):
        await accounts.ended("home", Outcome.FAILED, "No way there.", "SOURCE_UNAVAILABLE")
        failed = await accounts.standing("home")
        assert (failed.outcome, failed.failures, failed.succeeded) == (Outcome.FAILED, failures, None)
        assert (failed.error, failed.error_code) == ("No way there.", "SOURCE_UNAVAILABLE")
    await accounts.ended("home", Outcome.STOPPED)
    assert (await accounts.standing("home")).failures == 2
    await accounts.ended("home", Outcome.DONE)
    done = await accounts.standing("home")
    assert (done.outcome, done.failures, done.error, done.error_code) == (Outcome.DONE, 0, "", "")
    assert done.succeeded == done.finished is not None
    await accounts.put(replace(PLAIN, username="other"))
    assert await accounts.standing("home") == done


async def test_it_tells_what_is_stored_and_what_waits(archive: Archive, accounts: SqliteAccounts) -> None:
    sync, letters = SqliteSync(archive.database), [mail(f"L{n}") for n in range(3)]
    await accounts.put(PLAIN)
    for name, messages in (("INBOX", 5), ("Old", 1)):
        await sync.begin("home", name, name, MailboxRole.NONE, 1)
        await sync.finish("home", KnownMailbox(name, name, 1, 9, messages, 0, complete=False))
    await sync.add("home", "INBOX", [Arrival(n + 1, letters[n].fingerprint, Flag(0)) for n in range(3)], letters, [])
    standing = await accounts.standing("home")
    assert (standing.mailboxes, standing.messages, standing.pending, standing.questions) == (2, 6, 3, ())
    await sync.ask("home", "INBOX", 2, 3)
    (question,) = (await accounts.standing("home")).questions
    assert (question.mailbox, question.missing, question.messages) == ("INBOX", 2, 3)
    await sync.answer("home", "INBOX", accepted=True)
    assert (await accounts.standing("home")).questions == ()
    await sync.settle("home", "INBOX", UidSet.of([1]), WhenGone.HIDE)
    assert (await accounts.standing("home")).pending == 5


async def test_a_forgotten_account_leaves_its_mail(archive: Archive, accounts: SqliteAccounts) -> None:
    sync, letter = SqliteSync(archive.database), mail("Letter")
    await accounts.put(PLAIN)
    await accounts.put(FULL)
    await sync.begin("home", "INBOX", "inbox", MailboxRole.INBOX, 1)
    await sync.add("home", "INBOX", [Arrival(1, letter.fingerprint, Flag.FLAGGED)], [letter], [])
    assert await accounts.forget("home")
    assert not await accounts.forget("home")
    assert await accounts.all() == (FULL,)
    (row,) = (await archive.find_all()).rows
    assert (row.mailboxes, row.flags) == (("INBOX",), Flag.FLAGGED)
    await sync.begin("work", "INBOX", "inbox", MailboxRole.INBOX, 1)
    await sync.add("work", "INBOX", [Arrival(1, letter.fingerprint, Flag.SEEN)], [], [])
    assert await sync.settle("work", "INBOX", UidSet(), WhenGone.HIDE) == 1
    (row,) = (await archive.find_all()).rows
    assert row.flags == Flag.FLAGGED
    assert await sync.begin("home", "INBOX", "inbox", MailboxRole.INBOX, 1) == UidSet()
    await accounts.forget("work")
    assert await accounts.all() == ()
    await accounts.put(replace(PLAIN, name="never"))
    await accounts.forget("never")
    assert [account.name for account in await archive.directory.accounts(ALL)] == ["home", "work"]
