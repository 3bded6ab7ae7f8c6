"""Accounts are kept in step beside a server: those that are there, by one process of several."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from mailquery.domain.accounts import AccountState, Login, MailAccount, Server
from mailquery.repositories.background import Activity, HostStanding
from mailquery.repositories.board_file import BoardFile
from mailquery.repositories.sqlite.accounts import SqliteAccounts
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.services.background.keeping import Schedule
from mailquery.services.background.scheduling import KeepSynchronised
from mailquery.services.background.sync_runs import SyncRuns
from mcpkit.errors import ErrorCode, Fault
from support.syncing import Far, Script

SERVER = Server("mail.acme.example", 993)
UP = HostStanding("mail.acme.example", "closed", 0)


def account(name: str) -> MailAccount:
    return MailAccount(name, f"{name}@acme.example", SERVER, name, Login.PASSWORD)


@pytest.fixture
async def accounts(tmp_path: Path) -> AsyncIterator[SqliteAccounts]:
    async with await open_archive(tmp_path / "archive.db") as archive:
        yield SqliteAccounts(archive)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[BoardFile]:
    board = BoardFile(tmp_path)
    yield board
    board.give_up_turn()


@asynccontextmanager
async def keeping(
    accounts: SqliteAccounts, script: Script, board: BoardFile, at_once: int = 3
) -> AsyncIterator[KeepSynchronised]:
    keep = KeepSynchronised(
        accounts, SyncRuns(script), board, Schedule(at_once=at_once), lambda account: UP, between_looks=0.01
    )
    task = asyncio.create_task(keep())
    try:
        yield keep
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_every_active_account_is_synchronised(accounts: SqliteAccounts, board: BoardFile) -> None:
    for name in ("home", "work", "old", "lost"):
        await accounts.put(account(name))
    await accounts.set_state("old", AccountState.PAUSED)
    await accounts.set_state("lost", AccountState.NEEDS_LOGIN, "The password was changed.")
    script = Script()
    async with keeping(accounts, script, board):
        for name in ("home", "work"):
            (await script.begun(name)).succeed()
    assert sorted(script.calls) == ["home", "work"]


async def test_no_more_accounts_at_once_than_are_allowed(accounts: SqliteAccounts, board: BoardFile) -> None:
    for number in range(5):
        await accounts.put(account(f"a{number}"))
    script = Script()
    async with keeping(accounts, script, board, at_once=2):
        for ended in range(5):
            await until(lambda ended=ended: len(script.calls) == min(5, ended + 2))  # type: ignore[misc]
            assert len(script.under_way) <= 2
            (await script.begun(script.calls[ended])).succeed()


async def test_an_account_that_is_added_is_taken_up_and_one_that_is_paused_is_left(
    accounts: SqliteAccounts, board: BoardFile
) -> None:
    script = Script()
    async with keeping(accounts, script, board) as keep:
        await accounts.put(account("work"))
        run = await script.begun("work")
        await accounts.set_state("work", AccountState.PAUSED)
        await until(lambda: run.was_cancelled)
        await until(lambda: not keep.activities())
        await accounts.set_state("work", AccountState.ACTIVE)
        (await script.begun("work")).succeed()
        await accounts.forget("work")
        await until(lambda: not keep.activities())


async def test_who_logged_in_again_does_not_wait_for_what_failed_before(
    accounts: SqliteAccounts, board: BoardFile
) -> None:
    await accounts.put(account("work"))
    script = Script()
    async with keeping(accounts, script, board) as keep:
        run = await script.begun("work")
        await accounts.set_state("work", AccountState.NEEDS_LOGIN, "The password is wrong.")
        run.fail(Fault(ErrorCode.LOGIN_FAILED, "The password is wrong."))
        await until(lambda: not keep.activities())
        await accounts.set_state("work", AccountState.ACTIVE)
        (await script.begun("work")).succeed()


async def test_a_changed_account_is_synchronised_as_it_is_now(accounts: SqliteAccounts, board: BoardFile) -> None:
    await accounts.put(account("work"))
    script = Script()
    async with keeping(accounts, script, board):
        (await script.begun("work")).succeed()
        await accounts.put(replace(account("work"), server=Server("new.acme.example", 993)))
        (await script.begun("work")).succeed()


async def test_what_it_does_is_shown_to_other_processes(
    accounts: SqliteAccounts, board: BoardFile, tmp_path: Path
) -> None:
    await accounts.put(account("work"))
    script = Script()
    elsewhere = BoardFile(tmp_path)
    async with keeping(accounts, script, board) as keep:
        run = await script.begun("work")
        run.report(Far(3, 10))
        await until(lambda: shown(elsewhere).stored == 3)
        assert shown(elsewhere) == keep.activities()["work"]
        assert shown(elsewhere).running_since is not None
        assert shown(elsewhere).host == UP
        run.succeed()
        await until(lambda: shown(elsewhere).next_run is not None)
        assert shown(elsewhere).running_since is None
    assert elsewhere.read() is None


def shown(board: BoardFile) -> Activity:
    return (board.read() or {}).get("work", Activity())


async def test_of_two_one_works_and_the_other_takes_over_when_it_ends(
    accounts: SqliteAccounts, board: BoardFile, tmp_path: Path
) -> None:
    await accounts.put(account("work"))
    first, second = Script(), Script()
    other = BoardFile(tmp_path)
    async with keeping(accounts, second, other) as later:
        await second.begun("work")
        async with keeping(accounts, first, board) as waiting:
            await asyncio.sleep(0.2)  # many looks
            assert not waiting.activities()
            assert not first.calls
            await accounts.set_state("work", AccountState.PAUSED)
            await until(lambda: not later.activities())
            await accounts.set_state("work", AccountState.ACTIVE)
            await second.begun("work")
            assert not first.calls
    async with keeping(accounts, first, board):
        await first.begun("work")


async def test_it_ends_at_once_and_takes_its_runs_along(accounts: SqliteAccounts, board: BoardFile) -> None:
    for name in ("home", "work"):
        await accounts.put(account(name))
    script = Script()
    async with keeping(accounts, script, board):
        runs = [await script.begun(name) for name in ("home", "work")]
    assert all(run.was_cancelled for run in runs)
    assert board.read() is None
