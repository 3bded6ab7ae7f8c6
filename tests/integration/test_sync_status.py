"""What callers are told about the accounts on servers: how each does, and only of those that they may see."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailquery.domain.accounts import AccountState, Login, MailAccount, Server
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.policy import NO_POLICY, Judge, Policy
from mailquery.domain.uids import UidSet
from mailquery.mcp.synchronising import SyncResult
from mailquery.parsing.reading import header_lines
from mailquery.repositories.background import Activity, HostStanding
from mailquery.repositories.board_file import BoardFile
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.accounts import SqliteAccounts
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.directory import SqliteDirectory
from mailquery.repositories.sqlite.policies import SqlitePolicies
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.repositories.synchronising import KnownMailbox, Outcome
from mailquery.services.accounts.server_accounts import ServerAccounts
from mailquery.services.background.freshness import KeepFresh
from mailquery.services.background.refreshing import RefreshAccounts, Refreshed
from mailquery.services.background.sync_runs import SyncRuns
from mailquery.services.background.sync_status import AccountSync, SyncStatus
from mcpkit.errors import ErrorCode, Fault
from support.syncing import Far, Script
from support.time import settled

EVERYTHING = Visibility()
DOWN = HostStanding("mail.acme.example", "open", 5)


def account(name: str) -> MailAccount:
    return MailAccount(name, f"{name}@acme.example", Server("mail.acme.example", 993), name, Login.PASSWORD)


@dataclass
class Opened:
    accounts: SqliteAccounts
    sync: SqliteSync
    runs: SyncRuns
    script: Script
    status: SyncStatus
    refresh: RefreshAccounts
    policy: Policy = NO_POLICY
    running_elsewhere: frozenset[str] = frozenset()

    async def of(self, name: str, visible: Visibility = EVERYTHING) -> AccountSync:
        found = await self.status(visible)
        return next(each for each in found.accounts if each.account == name)

    async def names(self, visible: Visibility) -> list[str]:
        return [each.account for each in (await self.status(visible)).accounts]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    async with await open_archive(tmp_path / "archive.db", judge=Judge(NO_POLICY, header_lines)) as archive:
        await SqlitePolicies(archive).adopt_if_empty()
        accounts, directory, script = SqliteAccounts(archive), SqliteDirectory(archive), Script()
        shown = ServerAccounts(accounts, lambda: made.policy)
        runs = SyncRuns(script)
        status = SyncStatus(
            accounts,
            directory,
            runs,
            BoardFile(tmp_path),
            shown,
            lambda name: name in made.running_elsewhere,
            lambda account: None,
        )
        made = Opened(accounts, SqliteSync(archive), runs, script, status, RefreshAccounts(shown, runs))
        for name in ("home", "work"):
            await accounts.put(account(name))
        yield made
        await runs.close()


async def test_an_account_that_was_never_synchronised(opened: Opened) -> None:
    found = await opened.of("work")
    assert found.state is AccountState.ACTIVE
    assert found.outcome is Outcome.NEVER
    assert (found.succeeded, found.age, found.failures, found.running) == (None, None, 0, False)


async def test_freshness_failures_and_their_reason(opened: Opened) -> None:
    await opened.accounts.begun("work")
    await opened.accounts.ended("work", Outcome.DONE)
    for _ in range(2):
        await opened.accounts.ended("work", Outcome.FAILED, "It does not answer.", "SOURCE_UNAVAILABLE")
    found = await opened.of("work")
    assert found.age is not None
    assert 0 <= found.age < 60
    assert (found.failures, found.error, found.error_code) == (2, "It does not answer.", "SOURCE_UNAVAILABLE")
    assert not found.is_well
    figures = await opened.status.figures()
    assert (figures.failing, figures.states) == (1, {AccountState.ACTIVE: 2})
    assert figures.oldest is not None
    assert not figures.is_well


async def test_a_clock_that_was_set_back_makes_nothing_fresh(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr("mailquery.repositories.sqlite.accounts.time.time", lambda: now + 3 * 86_400)
    await opened.accounts.begun("work")
    await opened.accounts.ended("work", Outcome.DONE)
    monkeypatch.undo()
    found = await opened.of("work")
    assert found.age is not None
    assert found.age > 2 * 86_400


async def test_what_needs_a_login_says_why(opened: Opened) -> None:
    await opened.accounts.set_state("work", AccountState.NEEDS_LOGIN, "The token was withdrawn.")
    found = await opened.of("work")
    assert (found.state, found.reason, found.is_well) == (AccountState.NEEDS_LOGIN, "The token was withdrawn.", False)
    assert not (await opened.status.figures()).is_well


async def test_a_paused_account_is_as_its_user_wants_it(opened: Opened) -> None:
    await opened.accounts.ended("work", Outcome.FAILED, "It does not answer.", "SOURCE_UNAVAILABLE")
    await opened.accounts.set_state("work", AccountState.PAUSED)
    assert (await opened.of("work")).is_well
    assert (await opened.status.figures()).is_well


async def test_a_run_of_this_process_shows_how_far_it_is(opened: Opened) -> None:
    waiting = asyncio.create_task(opened.runs.join("work"))
    run = await opened.script.begun("work")
    run.report(Far(3, 10))
    found = await opened.of("work")
    assert found.running
    assert (found.stored, found.wanted) == (3, 10)
    run.succeed()
    await waiting
    assert not (await opened.of("work")).running


async def test_a_run_of_another_process_is_known_and_that_of_a_killed_one_is_none(opened: Opened) -> None:
    await opened.accounts.begun("work")
    assert not (await opened.of("work")).running
    opened.running_elsewhere = frozenset({"work"})
    assert (await opened.of("work")).running


async def test_what_another_process_does_in_the_background_is_told(opened: Opened, tmp_path: Path) -> None:
    assert not (await opened.status(EVERYTHING)).background
    other = BoardFile(tmp_path)
    assert other.take_turn()
    other.show({"work": Activity(watched=True, host=DOWN)})
    found = await opened.of("work")
    assert (found.watched, found.host) == (True, DOWN)
    assert (await opened.status(EVERYTHING)).background
    other.give_up_turn()
    assert (await opened.of("work")).host is None


async def test_what_is_shown_of_a_run_that_ended_meanwhile_is_not_believed(opened: Opened, tmp_path: Path) -> None:
    other = BoardFile(tmp_path)
    other.take_turn()
    await opened.accounts.begun("work")
    started = (await opened.accounts.standing("work")).started
    other.show({"work": Activity(running_since=started, stored=3, wanted=10)})
    opened.running_elsewhere = frozenset({"work"})
    assert (await opened.of("work")).stored == 3
    await opened.accounts.ended("work", Outcome.DONE)
    opened.running_elsewhere = frozenset()
    assert not (await opened.of("work")).running
    other.give_up_turn()


async def test_callers_are_told_of_accounts_that_they_may_see(opened: Opened) -> None:
    assert await opened.names(EVERYTHING) == ["home", "work"]
    assert await opened.names(Visibility(frozenset({"work"}))) == ["work"]
    assert await opened.names(Visibility(frozenset())) == []
    opened.policy = Policy(accounts=("Work",))
    assert await opened.names(EVERYTHING) == ["home"]


async def test_questions_about_deletions_are_asked_of_those_who_see_the_mailbox(opened: Opened) -> None:
    uids = await opened.sync.begin("work", "Projects", "Projects", MailboxRole.NONE, 7)
    assert uids == UidSet()
    await opened.sync.finish("work", KnownMailbox("Projects", "Projects", 7, 1, 10, 0, complete=False))
    await opened.sync.ask("work", "Projects", 8, 10)
    (question,) = (await opened.of("work")).questions
    assert (question.mailbox, question.missing, question.messages) == ("Projects", 8, 10)


async def test_where_mail_is_withheld_no_numbers_tell_of_it(opened: Opened) -> None:
    """What a server has, less what can be found, would be how much is withheld."""
    await opened.sync.begin("work", "Projects", "Projects", MailboxRole.NONE, 7)
    await opened.sync.finish("work", KnownMailbox("Projects", "Projects", 7, 1, 7310, 0, complete=False))
    await opened.sync.ask("work", "Projects", 5240, 7310)
    brought = Refreshed("work", 3170)
    fresh = KeepFresh(opened.refresh, opened.status, seconds=1.0, stale_after=60.0)

    async def told() -> str:
        result = SyncResult.of(await opened.status(EVERYTHING), {"work": brought})
        (freshness,) = await fresh(EVERYTHING, ["work"], [brought])
        return f"{result.as_text()} {result.model_dump_json()} {freshness}".replace(",", "")

    numbers = ("7310", "5240", "3170")
    for policy in (NO_POLICY, Policy(accounts=("other",))):
        opened.policy = policy
        text = await told()
        assert [number for number in numbers if number in text] == list(numbers)
    for policy in (Policy(mailboxes=("Hush",)), Policy(senders=("eve@evil.example",)), Policy(date_floor=1)):
        opened.policy = policy
        text = await told()
        assert not [number for number in numbers if number in text]
        assert "Projects" in text


async def test_who_asks_for_what_is_new_gets_it(opened: Opened) -> None:
    asked = asyncio.create_task(opened.refresh.one(EVERYTHING, " WORK "))
    (await opened.script.begun("work")).succeed(added=4)
    found = await asked
    assert (found.account, found.added, found.fault) == ("work", 4, None)


async def test_who_waits_no_longer_is_told_and_the_run_goes_on(opened: Opened) -> None:
    found = await opened.refresh.one(EVERYTHING, "work", seconds=0.05)
    assert found.fault is not None
    assert found.fault.code is ErrorCode.TIMEOUT
    run = await opened.script.begun("work")
    assert not run.was_cancelled
    run.succeed(added=2)
    await settled()
    assert opened.runs.messages_added == 2


async def test_all_are_brought_up_to_date_side_by_side_and_one_that_fails_spoils_nothing(opened: Opened) -> None:
    await opened.accounts.put(account("old"))
    await opened.accounts.set_state("old", AccountState.PAUSED)
    await opened.accounts.put(account("lost"))
    await opened.accounts.set_state("lost", AccountState.NEEDS_LOGIN, "The token was withdrawn.")
    asked = asyncio.create_task(opened.refresh.all(EVERYTHING, 20))
    home, work = await opened.script.begun("home"), await opened.script.begun("work")
    home.fail(Fault(ErrorCode.SOURCE_UNAVAILABLE, "It does not answer."))
    work.succeed(added=1)
    found = {each.account: each for each in await asked}
    assert sorted(found) == ["home", "lost", "work"]
    assert str(found["home"].fault) == "It does not answer."
    assert str(found["lost"].fault) == "lost needs a login. The token was withdrawn."
    assert (found["work"].added, found["work"].fault) == (1, None)


async def test_while_another_process_synchronises_it_is_waited_for(opened: Opened) -> None:
    asked = asyncio.create_task(opened.refresh.one(EVERYTHING, "work"))
    (await opened.script.begun("work")).fail(Fault(ErrorCode.CONFLICT, "Another process does it."))
    (await opened.script.begun("work")).succeed(added=1)
    assert (await asked).added == 1


async def test_a_paused_account_is_not_synchronised(opened: Opened) -> None:
    await opened.accounts.set_state("work", AccountState.PAUSED)
    found = await opened.refresh.one(EVERYTHING, "work")
    assert found.fault is not None
    assert "work is paused" in found.fault.message
    assert not opened.script.calls


async def test_an_account_that_the_caller_may_not_see_is_not_synchronised(opened: Opened) -> None:
    with pytest.raises(Fault) as raised:
        await opened.refresh.one(Visibility(frozenset({"home"})), "work")
    assert raised.value.code is ErrorCode.VALIDATION_ERROR
    assert "work" not in raised.value.others
    assert await opened.refresh.all(Visibility(frozenset()), 1) == ()
    assert not opened.script.calls
