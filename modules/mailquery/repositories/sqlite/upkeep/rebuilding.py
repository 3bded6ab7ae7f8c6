"""The text index made anew, beside the one that is searched meanwhile.

It grows in tables of its own, one transaction a batch, and takes the old one's place in a last transaction. Where it
was stopped, it goes on; what was imported meanwhile comes behind. All that is derived of a message's text is written
with it, and what is counted is counted again. What a message is known by stays: ids, dates, threads, mailboxes.
"""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from mailquery.domain.words import INDEX_FORM
from mailquery.repositories.compression import decompress
from mailquery.repositories.prepared import PreparedMessage
from mailquery.repositories.records import RebuildProgress, StoredRaw
from mailquery.repositories.sqlite.archive import Archive
from mailquery.repositories.sqlite.batch import Batch
from mailquery.repositories.sqlite.encoding import moment_of
from mailquery.repositories.sqlite.index_removal import make_again
from mailquery.repositories.sqlite.index_rows import REBUILT, create_index, put_in
from mailquery.repositories.sqlite.participants import ParticipantNumbers
from mailquery.repositories.sqlite.removal import overwriting
from mailquery.repositories.sqlite.scope import ids
from mailquery.repositories.sqlite.upkeep.mending import derive_again
from mailquery.repositories.sqlite.vocabulary import Vocabulary
from mcpkit.database.connections import fold_log

_BATCH_BYTES = 8 << 20  # of compressed messages

_NEXT = """
    SELECT m.sequence, m.fingerprint, m.date, m.locator, coalesce(length(r.frame), 0), r.frame,
      (SELECT p.detail FROM problems p WHERE p.message = m.id AND p.code = 'not_fetched')
    FROM messages m LEFT JOIN raws r ON r.sequence = m.sequence
    WHERE m.sequence > (SELECT value FROM facts WHERE name = 'rebuilt_through')
    ORDER BY m.sequence LIMIT ?
"""
_INDEXES = "SELECT name FROM sqlite_master WHERE type = 'index'"
# What FTS5 must find of a table before it lets go of it.
_MAKE_DROPPABLE = """
    DELETE FROM search_config;
    INSERT INTO search_config SELECT * FROM rebuilt_search_config;
    DELETE FROM search_data WHERE id <= 10;
    INSERT INTO search_data SELECT * FROM rebuilt_search_data WHERE id <= 10;
"""
_SWAP = """
    ALTER TABLE rebuilt_search RENAME TO search;
    DROP TABLE words;
    ALTER TABLE rebuilt_words RENAME TO words;
    CREATE INDEX words_by_stem ON words (stem);
    DROP TABLE indexed;
    ALTER TABLE rebuilt_indexed RENAME TO indexed;
    DROP TABLE removed;
    ALTER TABLE rebuilt_removed RENAME TO removed;
    DELETE FROM facts WHERE name IN ('rebuilt_through', 'rebuilt_form');
"""


class SqliteRebuilding:
    """`RebuildRepository`."""

    def __init__(self, database: Archive) -> None:
        self._database = database
        self._numbers = ParticipantNumbers()
        self._vocabulary = Vocabulary(REBUILT.words)

    @asynccontextmanager
    async def rebuilding(self) -> AsyncIterator[None]:
        async with self._database.exclusive():
            self._forget()
            # What the tables' own indexes lack, the work would miss. Each by itself, so that others wait for one only.
            for name in await self._database.read_unshown(lambda connection: connection.execute(_INDEXES).fetchall()):
                await self._database.maintain(partial(_make_index_anew, *name))
            await self._database.write(_begin)
            yield

    def _forget(self) -> None:
        self._numbers.forget()
        self._vocabulary.forget()

    async def pending(self, limit: int) -> tuple[StoredRaw, ...]:
        return await self._database.read_unshown(lambda connection: _pending(connection, limit))

    async def add(self, batch: Sequence[tuple[int, PreparedMessage]], kept: Sequence[int] = ()) -> None:
        judge = self._database.judge
        through = max((*kept, *(sequence for sequence, _ in batch)))

        def write(connection: sqlite3.Connection) -> None:
            Batch(connection, self._numbers, self._vocabulary, judge).rewrite(batch, REBUILT)
            self._keep(connection, kept)
            connection.execute("UPDATE facts SET value = ? WHERE name = 'rebuilt_through'", (through,))

        try:
            await self._database.write(write)
        except BaseException:
            self._forget()  # what it learned was undone
            raise
        self._numbers.trim()
        self._vocabulary.trim()

    def _keep(self, connection: sqlite3.Connection, sequences: Sequence[int]) -> None:
        """Gives the new index what is stored beside the bytes of messages."""
        rows = connection.execute(
            "SELECT m.id FROM json_each(?) j CROSS JOIN messages m ON m.sequence = j.value"
            " CROSS JOIN bodies b ON b.sequence = m.sequence ORDER BY m.id",
            (ids(sequences),),
        ).fetchall()
        made = make_again(connection, [row for (row,) in rows])
        put_in(connection, REBUILT, [(row, values) for row, (_, values) in made.items()])
        self._vocabulary.add(connection, [text for text, _ in made.values()])

    async def progress(self) -> RebuildProgress:
        def read(connection: sqlite3.Connection) -> RebuildProgress:
            return RebuildProgress(
                *connection.execute(
                    "SELECT (SELECT count(*) FROM messages WHERE sequence <= value), (SELECT count(*) FROM messages)"
                    " FROM facts WHERE name = 'rebuilt_through'"
                ).fetchone()
            )

        return await self._database.read_unshown(read)

    async def finish(self) -> None:
        await self._database.write(
            lambda connection: connection.execute(
                f"INSERT INTO {REBUILT.search} ({REBUILT.search}) VALUES ('optimize')"  # noqa: S608 - a constant
            )
        )
        await self._database.write(_swap)
        await self._database.maintain(fold_log)


def _begin(connection: sqlite3.Connection) -> None:
    """Goes on where an earlier run of the same form was stopped; else begins anew."""
    form = connection.execute("SELECT value FROM facts WHERE name = 'rebuilt_form'").fetchone()
    if form == (INDEX_FORM,):
        return
    for table in (REBUILT.search, REBUILT.words, REBUILT.indexed, REBUILT.removed):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    create_index(connection, REBUILT)
    connection.execute(f"CREATE TABLE {REBUILT.words} (word TEXT PRIMARY KEY, stem TEXT NOT NULL) WITHOUT ROWID")
    connection.execute(f"CREATE TABLE {REBUILT.indexed} (id INTEGER PRIMARY KEY, digest INTEGER NOT NULL)")
    connection.execute(f"CREATE TABLE {REBUILT.removed} (id INTEGER PRIMARY KEY)")
    connection.executemany(
        "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)",
        [("rebuilt_form", INDEX_FORM), ("rebuilt_through", 0)],
    )


def _swap(connection: sqlite3.Connection) -> None:
    with overwriting(connection):  # the old index may have words of messages that were removed
        try:
            connection.execute("DROP TABLE search")
        except sqlite3.DatabaseError:
            _run(connection, _MAKE_DROPPABLE)
            connection.execute("DROP TABLE search")
        _run(connection, _SWAP)
    connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('index_form', ?)", (INDEX_FORM,))
    derive_again(connection)


def _run(connection: sqlite3.Connection, statements: str) -> None:
    """`executescript` would end the transaction."""
    for statement in filter(None, map(str.strip, statements.split(";"))):
        connection.execute(statement)


def _make_index_anew(name: str, connection: sqlite3.Connection) -> None:
    quoted = name.replace('"', '""')
    connection.execute(f'REINDEX "{quoted}"')


def _pending(connection: sqlite3.Connection, limit: int) -> tuple[StoredRaw, ...]:
    found = []
    size = 0
    for sequence, fingerprint, date, locator, length, frame, why in connection.execute(_NEXT, (limit,)):
        try:
            raw = decompress(frame) if frame is not None else None
        except ValueError:
            raw = None
        found.append(StoredRaw(sequence, fingerprint, raw, moment_of(date), locator, why or ""))
        size += length
        if size >= _BATCH_BYTES:
            break
    return tuple(found)
