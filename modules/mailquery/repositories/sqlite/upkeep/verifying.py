"""Looking through an archive for damage."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar

from mailquery.domain.words import INDEX_FORM
from mailquery.repositories.sqlite.archive import Archive
from mailquery.repositories.sqlite.upkeep.message_checks import MessageChecks
from mailquery.repositories.sqlite.upkeep.total_checks import (
    check_attachments,
    check_counts,
    check_index,
    check_vectors,
)
from mailquery.repositories.verifying import Check, Damage, Examined, Remedy
from mcpkit.database.sqlite import Database
from mcpkit.errors import ErrorCode, Fault

T = TypeVar("T")

_MOST_FINDINGS = 100
# Of PRAGMA integrity_check: what is wrong with an index alone, which can be made anew of its table.
_OF_AN_INDEX = ("missing from index", "wrong # of entries in index")
_TABLES = "SELECT count(*) FROM sqlite_master"


async def check_database(database: Database, name: str) -> Examined:
    """The structure of a database's file, and whether what its rows refer to is there."""

    def look(connection: sqlite3.Connection) -> Examined:
        found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_MOST_FINDINGS})")]
        damages = [] if found == ["ok"] else [_structural(name, each) for each in found]
        if not damages:
            for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(_MOST_FINDINGS):
                which = f"row {row}" if row is not None else "a row"  # whose table has no numbers
                what = f"{which} of {table} in {name} refers to something in {parent} that is not there"
                damages.append(Damage(Check.DATABASE, what, Remedy.RESTORE))
        (tables,) = connection.execute(_TABLES).fetchone()
        return Examined(Check.DATABASE, tables, damages)

    return await examine(database, Check.DATABASE, look)


def _structural(name: str, what: str) -> Damage:
    is_index = any(words in what for words in _OF_AN_INDEX)
    return Damage(Check.DATABASE, f"{name}: {what}", Remedy.REINDEX if is_index else Remedy.RESTORE)


async def examine(database: Database, check: Check, look: Callable[[sqlite3.Connection], Examined]) -> Examined:
    """What keeps something from being looked at is a damage of it. Raises Fault where it is none of the file's."""
    try:
        return await database.examine(look)
    except Fault as fault:
        if fault.code is not ErrorCode.STORAGE_DAMAGED:
            raise
        cause = fault.__cause__ or fault
        return Examined(check, 0, [Damage(check, f"{database.path.name} cannot be read ({cause})", Remedy.RESTORE)])


class SqliteVerification:
    """`VerificationRepository`."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def database(self) -> Examined:
        return await check_database(self._archive, self._archive.path.name)

    async def totals(self) -> Sequence[Examined]:
        checks = (
            (Check.COUNTS, check_counts),
            (Check.INDEX, check_index),
            (Check.ATTACHMENTS, check_attachments),
            (Check.VECTORS, check_vectors),
        )
        return [await examine(self._archive, check, look) for check, look in checks]

    async def sequences_after(self, sequence: int, limit: int) -> Sequence[int]:
        return await self._archive.examine(
            lambda connection: [
                row[0]
                for row in connection.execute(
                    "SELECT sequence FROM messages WHERE sequence > ? ORDER BY sequence LIMIT ?", (sequence, limit)
                )
            ]
        )

    async def sample(self, size: int) -> Sequence[int]:
        return await self._archive.examine(
            lambda connection: sorted(
                row[0] for row in connection.execute("SELECT sequence FROM messages ORDER BY random() LIMIT ?", (size,))
            )
        )

    async def messages(self, sequences: Sequence[int], *, all_words: bool) -> Sequence[Examined]:
        def look(connection: sqlite3.Connection) -> tuple[Examined, ...]:
            current = _index_is_current(connection)
            return MessageChecks(connection, index_is_current=current, all_words=all_words)(sequences)

        try:
            return await self._archive.examine(look)
        except Fault as fault:
            if fault.code is not ErrorCode.STORAGE_DAMAGED:
                raise
            if len(sequences) > 1:  # one of them is in the way of the others
                return [each for one in sequences for each in await self.messages([one], all_words=all_words)]
            what = f"message {sequences[0]} of the archive cannot be read ({fault.__cause__ or fault})"
            return [Examined(Check.MESSAGES, 1, [Damage(Check.MESSAGES, what, Remedy.RESTORE)])]

    async def total(self, after: int) -> int:
        return await self._archive.examine(
            lambda connection: int(
                connection.execute("SELECT count(*) FROM messages WHERE sequence > ?", (after,)).fetchone()[0]
            )
        )


def _index_is_current(connection: sqlite3.Connection) -> bool:
    form: tuple[int] | None = connection.execute("SELECT value FROM facts WHERE name = 'index_form'").fetchone()
    return form == (INDEX_FORM,)
