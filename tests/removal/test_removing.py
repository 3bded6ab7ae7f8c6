"""What removal leaves in the file, and what it keeps from being given out twice."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from mailquery.domain.mailboxes import Placement
from mailquery.repositories.prepared import NewPlacement, PreparedMessage, SourceProblem
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.upkeep.rebuilding import SqliteRebuilding
from mailquery.services.upkeep.rebuilding import RebuildIndex
from removal.archives import ask, check, prepared, take_out
from support.archives import Mail, temporary_archive
from support.calling import Caller

SECRET = Mail(
    subject="Quorvandel",
    sender="Zebulonix <zebulonix@ketterlund.example>",
    text="The klondarite is under the wyverstone.",
    headers=(("List-Id", "<morvantine.lists.example>"),),
    files=(("plondarque.pdf", "application/pdf", b"%PDF"),),
)
TRACES = (b"uorvandel", b"ebulonix", b"etterlund", b"londarite", b"yverstone", b"orvantine", b"londarque")
OTHERS = [
    Mail(subject=f"Letter {number}", text="The boats leave.", message_id=f"{number}@x.example") for number in range(30)
]

_KILLED = """
import os, signal, sys
from pathlib import Path
from mailquery.repositories.sqlite.removal import remove
from mcpkit.database.connections import connect
connection = connect(Path(sys.argv[1]), read_only=False)
connection.execute("PRAGMA cache_size = 10")  # so that pages are written before the transaction ends
connection.execute("BEGIN IMMEDIATE")
remove(connection, [row for (row,) in connection.execute("SELECT id FROM messages LIMIT 20").fetchall()])
os.kill(os.getpid(), signal.SIGKILL)
"""


def dump(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return list(connection.iterdump())


async def test_a_removal_that_is_killed_has_not_begun(tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive:
        await archive.add(*OTHERS)
    before = dump(file)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _KILLED, str(file), env=dict(os.environ))
    assert await process.wait() == -signal.SIGKILL
    assert dump(file) == before
    check(file)


async def test_its_words_are_in_the_file_no_more(tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive:
        await archive.add(*OTHERS, SECRET)
        await archive.embed()
    written = file.read_bytes()
    assert all(trace in written for trace in TRACES if trace not in (b"londarite", b"yverstone"))
    take_out(file, [SECRET.id])
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("INSERT INTO search (search) VALUES ('optimize')")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    left = file.read_bytes()
    assert [trace for trace in TRACES if trace in left] == []
    check(file)


async def test_one_of_which_the_body_is_damaged_is_removed_too(tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive:
        await archive.add(*OTHERS, SECRET)
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("UPDATE bodies SET body = x'00' WHERE sequence = 31")
        take_out(file, [SECRET.id, OTHERS[0].id])
        assert ask(file, "SELECT count(*) FROM messages") == [(29,)]
        assert len(ask(file, "SELECT * FROM removed")) == 1
        found = await Caller(archive.services).tool("search_messages", query="klondarite")
        assert found["total"] == 0
        check(file)


async def test_a_sequence_is_not_given_twice(tmp_path: Path) -> None:
    """What is embedded, judged and paged through is known by the highest sequence."""
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive:
        await archive.add(*OTHERS)
        await archive.embed()
        take_out(file, [OTHERS[-1].id, OTHERS[-2].id])
        await archive.add(SECRET)
        assert ask(file, "SELECT max(sequence) FROM messages") == [(31,)]
        await archive.embed()
        assert ask(file, "SELECT messages, chunks - emptied FROM embedding") == [(29, 29)]
        assert (await Caller(archive.services).tool("find_similar", id=SECRET.id))["rows"]


async def test_reindexing_ends_what_could_not_be_taken_out(tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive:
        await archive.add(*OTHERS, SECRET)
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("DELETE FROM indexed")
        take_out(file, [SECRET.id, OTHERS[3].id])
        assert len(ask(file, "SELECT * FROM removed")) == 2
        async with await open_archive(file, readers=1) as database:
            await RebuildIndex(SqliteRebuilding(database), workers=1)()
        assert ask(file, "SELECT * FROM removed") == []
        assert ask(file, "SELECT count(*) FROM indexed") == [(29,)]
    left = file.read_bytes()
    assert [trace for trace in TRACES if trace in left] == []
    take_out(file, [OTHERS[4].id])
    assert ask(file, "SELECT * FROM removed") == []
    check(file)


async def test_what_is_removed_while_the_index_is_made_anew_is_in_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive:
        with_a_number = Mail(text="Call 010-1234-5678.", message_id="old@x.example")
        await archive.add(*OTHERS, with_a_number, SECRET)
        async with await open_archive(file, readers=1) as database:
            rebuilding = SqliteRebuilding(database)
            making = RebuildIndex(rebuilding, workers=1)
            add = rebuilding.add

            async def add_and_remove(batch: Sequence[tuple[int, PreparedMessage]], kept: Sequence[int]) -> None:
                await add(batch, kept)
                take_out(file, [SECRET.id, OTHERS[3].id, with_a_number.id])

            monkeypatch.setattr(rebuilding, "add", add_and_remove)
            await making()
        assert ask(file, "SELECT count(*) FROM messages") == [(29,)]
        caller = Caller(archive.services)
        for query, found in (("klondarite", 0), ("boats", 29), ("1234", 0)):
            assert (await caller.tool("search_messages", query=query))["total"] == found, query
        assert ask(file, "SELECT * FROM removed") == []
        assert ask(file, "SELECT word FROM words WHERE word = 'klondarite'") == []
        check(file)


async def test_a_message_without_links_finds_its_thread_again(tmp_path: Path) -> None:
    """Its thread goes by its own id, and others have come into it meanwhile."""
    first = Mail(subject="Plans for the harbour festival", date="Mon, 02 Mar 2026 10:00:00 +0000")
    reply = Mail(subject="Re: Plans for the harbour festival", date="Tue, 03 Mar 2026 10:00:00 +0000")
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive:
        await archive.add(first, reply)
        assert ask(file, "SELECT count(DISTINCT thread) FROM messages") == [(1,)]
        take_out(file, [first.id])
        await archive.add(first)
        assert ask(file, "SELECT count(DISTINCT thread) FROM messages") == [(1,)]
        assert ask(file, "SELECT messages FROM threads WHERE messages > 0") == [(2,)]
        assert len((await Caller(archive.services).tool("read_thread", id=first.id))["messages"]) == 2


async def test_what_a_writer_remembers_of_those_removed_meanwhile_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive, archive.imports.writing():
        await archive.imports.add(*_batch(SECRET))
        take_out(file, [SECRET.id])
        assert ask(file, "SELECT count(*) FROM participants") == [(0,)]
        await archive.imports.add(*_batch(SECRET))
        caller = Caller(archive.services)
        assert (await caller.tool("search_messages", query="from:zebulonix"))["total"] == 1
        assert ask(file, "SELECT count(*) FROM words WHERE word = 'klondarite'") == [(1,)]


def _batch(mail: Mail) -> tuple[list[PreparedMessage], list[NewPlacement], list[SourceProblem]]:
    message = prepared(mail)
    return [message], [NewPlacement(message.fingerprint, "local", (Placement("Inbox", mail.flags, "test#0"),))], []
