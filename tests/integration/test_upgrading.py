"""An archive of the first version, brought up to date."""

import sqlite3
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from integration.archives import ALL, Archive
from integration.mailmaker import mail, placed
from mailquery.domain.accounts import WhenGone
from mailquery.domain.folding import fold_for_index
from mailquery.domain.identity import fingerprint
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.domain.queries import Everything, Participant, ParticipantField, Words
from mailquery.domain.uids import UidSet
from mailquery.domain.words import INDEX_FORM
from mailquery.repositories.groups import GroupBy
from mailquery.repositories.prepared import NewPlacement, PreparedMessage
from mailquery.repositories.records import Sort
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.repositories.sqlite.upkeep.rebuilding import SqliteRebuilding
from mailquery.repositories.synchronising import Arrival
from mailquery.services.upkeep.rebuilding import RebuildIndex
from mcpkit.database.migrations import load_migrations
from support.archives import Mail, temporary_archive

MIGRATIONS = load_migrations("mailquery.repositories.sqlite")
MAILS = (
    Mail(subject="Invoices", text="We paid $2,400.00 in March; call 010-1234-5678.", message_id="1@acme.example"),
    Mail(subject="Re: Invoices", sender="Bo <bo@home.example>", text="Thanks.", in_reply_to="1@acme.example"),
    Mail(subject="Harbour", text="The boats leave.", files=(("plan.pdf", "application/pdf", b"x"),)),
)


def stored(subject: str) -> tuple[PreparedMessage, list[NewPlacement]]:
    message = mail(subject=subject)
    return message, [placed(message, "Inbox")]


async def as_first_version(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive in the schema of the first migration, whose rows are those of real messages, indexed as they were
    before numbers had other forms."""
    with monkeypatch.context() as patch:
        patch.setattr("mailquery.repositories.index_text.segment", fold_for_index)
        patch.setattr("mailquery.repositories.sqlite.batch.make_current", lambda connection: None)
        async with temporary_archive(folder) as archive:
            await archive.add(*MAILS)
    path = folder / "first" / "archive.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(MIGRATIONS[0].sql)
        facts = [name for (name,) in connection.execute("SELECT name FROM facts")]
        connection.execute("ATTACH ? AS newer", (str(folder / "mail.db"),))
        tables = connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table' AND name <> 'search'")
        for (table,) in tables.fetchall():
            columns = ", ".join(f'"{row[1]}"' for row in connection.execute(f"PRAGMA main.table_info({table})"))
            connection.execute(f"DELETE FROM main.{table}")
            connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
        connection.execute("DELETE FROM main.facts WHERE name NOT IN (?, ?, ?)", facts)
        connection.commit()
        connection.execute("PRAGMA user_version = 1")
    return path


async def test_it_searches_and_counts_as_a_new_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await as_first_version(tmp_path, monkeypatch)
    async with await open_archive(path, readers=1) as database:
        archive = Archive(database)
        versions = await database.read(lambda connection: connection.execute("PRAGMA user_version").fetchone())
        assert versions == (len(MIGRATIONS),)
        assert (await archive.find(Everything())).total.value == 3
        for query, found in ((Words("invoice"), 2), (Words("boat"), 1), (Participant(ParticipantField.FROM, "bo"), 1)):
            page = await archive.find(query, sort=Sort.RELEVANCE)
            assert (page.total.value, len(page.rows)) == (found, found), query
        assert (await archive.find(Words("harbuor"))).did_you_mean == ()
        by_sender = await archive.search.statistics(
            Everything(), ALL, group_by=GroupBy.SENDER, zone=ZoneInfo("UTC"), limit=5
        )
        assert sorted(group.messages for group in by_sender.groups) == [1, 2]


async def test_what_newer_versions_index_differently_is_found_once_it_is_rebuilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await as_first_version(tmp_path, monkeypatch)
    async with await open_archive(path, readers=1) as database:
        archive = Archive(database)
        before = (await archive.find(Everything())).rows
        assert (await archive.find(Words("2400"))).total.value == 0
        assert (await RebuildIndex(SqliteRebuilding(database), workers=1)()).indexed == 3
        assert (await archive.find(Words("2400"))).total.value == 1
        assert (await archive.find(Words("+82 10 1234 5678"))).total.value == 1
        assert (await archive.find(Words("boat"))).total.value == 1
        assert (await archive.find(Everything())).rows == before
        left = await database.read(
            lambda connection: connection.execute(
                "SELECT name FROM sqlite_master WHERE name LIKE 'rebuilt%'"
            ).fetchall()
        )
        assert left == []


async def test_an_older_index_is_known_as_such_until_it_is_rebuilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await as_first_version(tmp_path, monkeypatch)
    async with await open_archive(path, readers=1) as database:
        archive = Archive(database)
        assert not await archive.directory.index_is_current()
        await archive.add(stored("Letter 9"))
        assert not await archive.directory.index_is_current()
        await RebuildIndex(SqliteRebuilding(database), workers=1)()
        assert await archive.directory.index_is_current()


async def test_an_index_that_this_version_began_is_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await open_archive(tmp_path / "archive.db", readers=1) as database:
        archive = Archive(database)
        assert await archive.directory.index_is_current()
        await archive.add(stored("Letter 1"))
        await archive.add(stored("Letter 2"))
        assert await archive.directory.index_is_current()
        monkeypatch.setattr("mailquery.repositories.sqlite.directory.INDEX_FORM", INDEX_FORM + 1)
        assert not await archive.directory.index_is_current()


async def test_what_was_there_before_is_given_up_by_no_synchronisation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await as_first_version(tmp_path, monkeypatch)
    async with await open_archive(path, readers=1) as database:
        archive, sync = Archive(database), SqliteSync(database)
        before = (await archive.find(Everything())).rows
        await sync.begin("local", "Inbox", "INBOX", MailboxRole.INBOX, 1)
        arrivals = [Arrival(uid, fingerprint(mail.as_bytes()), Flag.SEEN) for uid, mail in enumerate(MAILS, 1)]
        assert await sync.add("local", "Inbox", arrivals, [], []) == 0
        assert await sync.settle("local", "Inbox", UidSet(), WhenGone.REMOVE) == 0
        assert (await archive.find(Everything())).rows == before
