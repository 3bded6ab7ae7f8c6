"""An account is removed with all that only it has, in steps that may be interrupted."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mailquery.domain.accounts import WhenGone
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.domain.policy import NO_POLICY, Judge, Policy
from mailquery.domain.uids import UidSet
from mailquery.parsing.reading import header_lines
from mailquery.repositories.removing import RemovedPart
from mailquery.repositories.sqlite.account_removal import SqliteRemoval
from mailquery.repositories.sqlite.archive import Archive as StoredArchive
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.repositories.sqlite.writing import Writer
from mailquery.repositories.synchronising import Arrival
from mailquery.services.accounts.removing import RemovalProgress, RemoveAccountMail
from mcpkit.errors import ErrorCode, Fault
from policy.archives import ROLES, Letter, fill, random_letters
from removal.archives import ask, check, compare, prepared
from support.archives import Mail, temporary_archive


class InSmallSteps(SqliteRemoval):
    """Stops after so many steps."""

    def __init__(self, archive: StoredArchive, steps: int) -> None:
        super().__init__(archive)
        self.steps = steps

    async def remove_next(self, account: str, limit: int) -> RemovedPart:
        if not self.steps:
            raise asyncio.CancelledError
        self.steps -= 1
        return await super().remove_next(account, 4)


@asynccontextmanager
async def opened(file: Path, policy: Policy) -> AsyncIterator[StoredArchive]:
    async with await open_archive(file, readers=1, judge=Judge(policy, header_lines)) as database:
        yield database


def left_of(letters: Sequence[Letter], account: str) -> list[Letter]:
    kept = [Letter(each.mail, tuple(place for place in each.places if place[0] != account)) for each in letters]
    return [letter for letter in kept if letter.places]


@pytest.mark.parametrize("policy", [NO_POLICY, Policy(mailboxes=("Projects",), domains=("park.example",))])
async def test_what_is_left_is_an_archive_that_never_had_it(tmp_path: Path, policy: Policy) -> None:
    letters = random_letters(11, 30)
    file, other = tmp_path / "all" / "mail.db", tmp_path / "left" / "mail.db"
    left = left_of(letters, "work")
    asked = [letter.mail.id for letter in (*letters[:3], *left[-3:])]
    async with (
        temporary_archive(tmp_path / "all", policy=policy) as archive,
        temporary_archive(tmp_path / "left", policy=policy) as never,
    ):
        await fill(archive, letters, list(ROLES))
        told: list[RemovalProgress] = []
        async with opened(file, policy) as database:
            with pytest.raises(asyncio.CancelledError):
                await RemoveAccountMail(InSmallSteps(database, 2))("work", told.append)
            assert [each.messages for each in told] == [4, 8]
            check(file)
            before = ask(file, "SELECT count(*) FROM messages")[0][0]
            summary = await RemoveAccountMail(InSmallSteps(database, 100))("work", told.append)
        assert told[-1].messages == told[-1].total == summary.removed + summary.kept
        assert summary.removed == before - len(left)
        assert summary.kept > 0
        assert summary.left_in_index == 0
        await fill(never, left, [place for place in ROLES if place[0] != "work"])
        await compare(archive, file, never, other, asked)
        assert ask(file, "SELECT name FROM accounts") == [("home",)]
        check(file)


async def test_none_of_its_words_are_left_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive:
        await archive.add(*(Mail(subject=f"Letter {n}", text="The boats leave.") for n in range(50)))
        await archive.add(*(Mail(subject=f"Zq{n}uorvandel", text="wyverstone", account="work") for n in range(50)))
    async with opened(file, NO_POLICY) as database:
        assert (await RemoveAccountMail(SqliteRemoval(database))("work")).removed == 50
    written = file.read_bytes()
    assert b"uorvandel" not in written
    assert b"yverstone" not in written


async def test_an_account_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    async with opened(tmp_path / "mail.db", NO_POLICY) as database:
        with pytest.raises(Fault) as caught:
            await RemoveAccountMail(SqliteRemoval(database))("work")
        assert caught.value.code is ErrorCode.NOT_FOUND


async def test_what_a_server_gave_up_is_removed_where_the_account_wants_that(tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    mails = [Mail(subject=f"Letter {n}", account="home") for n in range(4)]
    async with temporary_archive(tmp_path) as archive:
        await archive.add(mails[3])  # imported from a file, too
        async with opened(file, NO_POLICY) as database:
            writer = Writer(database)
            sync = SqliteSync(database, writer)
            await sync.begin("home", "INBOX", "inbox", MailboxRole.INBOX, 1)
            messages = [prepared(mail) for mail in mails]
            arrivals = [Arrival(uid, each.fingerprint, Flag.SEEN) for uid, each in enumerate(messages, 1)]
            await sync.add("home", "INBOX", arrivals, messages, [])
            assert await sync.settle("home", "INBOX", UidSet.of([1]), WhenGone.REMOVE) == 2
            await sync.put_in_order()
        assert ask(file, "SELECT subject FROM messages ORDER BY subject") == [("Letter 0",), ("Letter 3",)]
        assert ask(file, "SELECT name, messages FROM mailboxes ORDER BY name") == [("INBOX", 1), ("Inbox", 1)]
        check(file)
