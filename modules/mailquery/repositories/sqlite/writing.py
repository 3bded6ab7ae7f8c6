"""Adding messages to the archive, for all in this process that do: imports and synchronisations."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

from mailquery.domain.policy import Judge
from mailquery.repositories.sqlite.archive import Archive
from mailquery.repositories.sqlite.batch import Batch
from mailquery.repositories.sqlite.participants import REMOVALS, ParticipantNumbers
from mailquery.repositories.sqlite.removal import overwriting
from mailquery.repositories.sqlite.threads import join_by_subject
from mailquery.repositories.sqlite.vocabulary import Vocabulary
from mcpkit.database.connections import fold_log, in_transaction
from mcpkit.errors import ErrorCode, Fault

T = TypeVar("T")

# The index is written anew as one piece when this share of it is new; less than that is merged bit by bit.
_OPTIMISED_SHARE = 0.2
_MERGED_PAGES = 500


class Writer:
    """Writes batches, each in one transaction, and remembers between them what participants and words are stored.

    What it remembers is right as long as nobody else writes and no transaction is undone. Both are seen on the writing
    connection's own thread, where one transaction follows the other: so several tasks may write by turns.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self._numbers = ParticipantNumbers()
        self._vocabulary = Vocabulary()
        self._seen: int | None = None  # SQLite's version of the data; None where what is remembered may be wrong
        self.added = 0  # messages, by all that this wrote
        self._changed = 0  # messages that came or went since the index was last put in order

    @asynccontextmanager
    async def holding(self, patience: float = 0.0) -> AsyncIterator[None]:
        """Holds the archive's lock. Raises Fault CONFLICT where another process still has it after `patience` seconds.
        Tasks of this process hold it together."""
        async with self.archive.exclusive(patience):
            yield

    async def write(self, function: Callable[[sqlite3.Connection, Batch], T]) -> T:
        """Runs `function` in one transaction. To be called while the lock is held. Raises Fault STORAGE_DAMAGED where
        what is stored contradicts itself."""
        judge = self.archive.judge
        try:
            return await self.archive.maintain(lambda connection: self._run(connection, function, judge))
        except sqlite3.IntegrityError as error:  # of names of tables and columns: it tells nothing of mail
            raise _contradiction(self.archive.path, error) from error

    def _run(
        self, connection: sqlite3.Connection, function: Callable[[sqlite3.Connection, Batch], T], judge: Judge
    ) -> T:
        batch = Batch(connection, self._numbers, self._vocabulary, judge)
        version = 0

        def work(connection: sqlite3.Connection) -> T:
            nonlocal version
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            if version != self._seen:
                self._numbers.forget()
                self._vocabulary.forget()
            self._seen = None  # until this is committed
            return function(connection, batch)

        result = in_transaction(connection, work)
        self._seen = version  # our own commits do not change it
        self._numbers.trim()
        self._vocabulary.trim()
        self.added += batch.added
        self._changed += batch.added + batch.removed
        return result

    async def put_in_order(self) -> None:
        """Joins threads by their subjects, and merges the index after messages came or went."""
        await self.archive.write(join_by_subject)
        changed, self._changed = self._changed, 0
        if not changed:
            return

        await self.archive.write(lambda connection: merge_index(connection, changed))
        await self.archive.maintain(fold_log)


def _contradiction(path: Path, error: sqlite3.IntegrityError) -> Fault:
    return Fault(
        ErrorCode.STORAGE_DAMAGED,
        f"{path.name} is damaged: its tables do not fit together ({error}). What was being written was undone. "
        "`mailquery verify` says what is damaged, and `mailquery restore` puts back a backup.",
        place=path,
    )


def merge_index(connection: sqlite3.Connection, changed: int) -> None:
    """Merges the pieces of the index after so many of its messages changed."""
    (messages,) = connection.execute("SELECT value FROM facts WHERE name = 'messages'").fetchone()
    (removals,) = connection.execute(REMOVALS).fetchone()
    with overwriting(connection) if removals else nullcontext():  # pieces may have words of removed messages
        if changed >= messages * _OPTIMISED_SHARE:
            connection.execute("INSERT INTO search (search) VALUES ('optimize')")
        else:
            connection.execute("INSERT INTO search (search, rank) VALUES ('merge', ?)", (_MERGED_PAGES,))
