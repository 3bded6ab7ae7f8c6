"""Removing from a test's archive as another process does it, and looking into its file."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from mailquery.domain.handles import parse_handle, thread_handle
from mailquery.domain.identity import fingerprint
from mailquery.domain.mailboxes import Placement
from mailquery.repositories.prepared import PreparedMessage
from mailquery.repositories.sqlite.removal import remove
from mailquery.services.preparing import prepare
from mailquery.sources.interfaces import SourceMessage
from mcpkit.database.connections import connect
from policy.archives import comparable, every_answer
from support.archives import NOW, Archive, Mail


def take_out(file: Path, ids: Iterable[str]) -> None:
    keys = [key for _, key in filter(None, map(parse_handle, ids))]
    with closing(connect(file, read_only=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        rows = [connection.execute("SELECT id FROM messages WHERE key = ?", (key,)).fetchone()[0] for key in keys]
        assert remove(connection, rows) == len(keys)
        connection.execute("COMMIT")


def ask(file: Path, sql: str, *parameters: object) -> list[Any]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(sql, parameters).fetchall()


def check(file: Path) -> None:
    """Raises where the index or a reference is damaged."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def answers(
    archive: Archive, file: Path, asked: Sequence[str], accounts: frozenset[str] | None = None
) -> dict[str, str]:
    """By question. A thread is named by a message of it, since its id may come from one that was removed."""
    first = ask(file, "SELECT thread, min(key) FROM messages GROUP BY thread")
    threads = {thread_handle(thread): f"the thread of {key}" for thread, key in first}
    return {
        str(question): comparable(answer, threads) async for question, answer in every_answer(archive, asked, accounts)
    }


async def compare(one: Archive, one_file: Path, other: Archive, other_file: Path, asked: Sequence[str]) -> None:
    """Both answer every question alike."""
    for accounts in (None, frozenset({"home"})):
        found = await answers(one, one_file, asked, accounts)
        expected = await answers(other, other_file, asked, accounts)
        assert found.keys() == expected.keys()
        differing = [question for question, answer in found.items() if answer != expected[question]]
        assert not differing, "\n".join(f"{q}\n  {found[q]}\n  {expected[q]}" for q in differing[:3])


def prepared(mail: Mail) -> PreparedMessage:
    raw = mail.as_bytes()
    where = (Placement("Inbox", mail.flags, "test#0"),)
    return prepare(SourceMessage(raw, where, None), fingerprint(raw), NOW)
