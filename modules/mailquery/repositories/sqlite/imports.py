"""The repository that messages are added through."""

import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TypeVar

from mailquery.domain.mailboxes import MailboxRole
from mailquery.repositories.records import NewPlacement, PreparedMessage, SourceProblem
from mailquery.repositories.sqlite.archive import Archive
from mailquery.repositories.sqlite.batch import Batch, stored
from mailquery.repositories.sqlite.participants import ParticipantNumbers
from mailquery.repositories.sqlite.placements import set_mailbox_role
from mailquery.repositories.sqlite.threads import join_by_subject
from mailquery.repositories.sqlite.vocabulary import Vocabulary
from mailquery.repositories.sqlite.withholding import judge_mailbox

T = TypeVar("T")

# The index is written anew as one piece when this share of it is new; less than that is merged bit by bit.
_OPTIMISED_SHARE = 0.2
_MERGED_PAGES = 500


class SqliteImports:
    """`ImportRepository`. A batch is one function on the writing connection's thread, and one transaction."""

    def __init__(self, database: Archive) -> None:
        self._database = database
        self._numbers = ParticipantNumbers()
        self._vocabulary = Vocabulary()
        self._writing = False
        self._added = 0  # since the index was last put in order

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        async with self._database.exclusive():
            self._forget()
            self._writing = True
            try:
                yield
            finally:
                self._writing = False

    def _forget(self) -> None:
        self._numbers.forget()
        self._vocabulary.forget()

    async def known(self, fingerprints: Sequence[bytes]) -> set[bytes]:
        return await self._database.read_unshown(lambda connection: set(stored(connection, fingerprints)))

    async def add(
        self, messages: Sequence[PreparedMessage], placements: Sequence[NewPlacement], problems: Sequence[SourceProblem]
    ) -> int:
        """Raises RuntimeError outside `writing`, ValueError for a placement of a message that nobody knows."""
        if not self._writing:
            raise RuntimeError("messages are added inside `writing`")

        judge = self._database.judge

        def write(connection: sqlite3.Connection) -> int:
            return Batch(connection, self._numbers, self._vocabulary, judge).write(messages, placements, problems)

        try:
            added = await self._database.write(write)
        except UnicodeEncodeError:
            # A lone surrogate, which a parser should not let through, must not stop an import.
            self._forget()
            return await self.add(_encodable(messages), _encodable(placements), _encodable(problems))
        except BaseException:
            self._forget()  # what it learned was undone
            raise
        self._numbers.trim()
        self._vocabulary.trim()
        self._added += added
        return added

    async def set_role(self, account: str, mailbox: str, role: MailboxRole) -> None:
        judge = self._database.judge

        def write(connection: sqlite3.Connection) -> None:
            changed = set_mailbox_role(connection, account, mailbox, role)
            if changed is not None:
                judge_mailbox(connection, judge.policy, changed)

        await self._database.write(write)

    async def finished(self, account: str, mailboxes: Sequence[str]) -> None:
        now = int(time.time())

        def record(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "UPDATE mailboxes SET refreshed = ?"
                " WHERE name = ? AND account = (SELECT id FROM accounts WHERE name = ?)",
                [(now, mailbox, account) for mailbox in mailboxes],
            )
            join_by_subject(connection)

        await self._database.write(record)
        await self._put_in_order()

    async def _put_in_order(self) -> None:
        added, self._added = self._added, 0
        if not added:
            return

        def merge(connection: sqlite3.Connection) -> None:
            (messages,) = connection.execute("SELECT value FROM facts WHERE name = 'messages'").fetchone()
            if added >= messages * _OPTIMISED_SHARE:
                connection.execute("INSERT INTO search (search) VALUES ('optimize')")
            else:
                connection.execute("INSERT INTO search (search, rank) VALUES ('merge', ?)", (_MERGED_PAGES,))

        await self._database.write(merge)
        await self._database.maintain(
            lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        )


def _encodable(value: T) -> T:
    """The same with every lone surrogate, in whatever field, replaced by a question mark."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")  # type: ignore[return-value]  # str in, str out
    if isinstance(value, list | tuple):
        return type(value)(_encodable(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{f.name: _encodable(getattr(value, f.name)) for f in fields(value)})
    return value
