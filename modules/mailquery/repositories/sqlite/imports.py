"""The repository that messages are added through."""

import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mailquery.domain.mailboxes import MailboxRole
from mailquery.repositories.prepared import NewPlacement, PreparedMessage, SourceProblem
from mailquery.repositories.sqlite.archive import Archive
from mailquery.repositories.sqlite.batch import Batch, stored
from mailquery.repositories.sqlite.completing import complete_from
from mailquery.repositories.sqlite.encoding import encodable
from mailquery.repositories.sqlite.placements import set_mailbox_role
from mailquery.repositories.sqlite.upkeep.mending import intact, mend_raws
from mailquery.repositories.sqlite.withholding import judge_mailbox
from mailquery.repositories.sqlite.writing import Writer


class SqliteImports:
    """`ImportRepository`. A batch is one function on the writing connection's thread, and one transaction.

    With `mend`, messages that are stored with damaged bytes count as not known, and get those that come in; `mended` is
    how many did."""

    def __init__(self, database: Archive, writer: Writer | None = None, *, mend: bool = False) -> None:
        self.mended = 0
        self._mend = mend
        self._database = database
        self._writer = writer or Writer(database)
        self._writing = False

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        async with self._writer.holding():
            self._writing = True
            try:
                yield
            finally:
                self._writing = False

    async def known(self, fingerprints: Sequence[bytes]) -> set[bytes]:
        if self._mend:
            return await self._database.examine(lambda connection: intact(connection, fingerprints))
        return await self._database.read_unshown(lambda connection: set(stored(connection, fingerprints)))

    async def add(
        self, messages: Sequence[PreparedMessage], placements: Sequence[NewPlacement], problems: Sequence[SourceProblem]
    ) -> int:
        """Raises RuntimeError outside `writing`, ValueError for a placement of a message that nobody knows."""
        if not self._writing:
            raise RuntimeError("messages are added inside `writing`")

        def write(connection: sqlite3.Connection, batch: Batch) -> int:
            complete_from(connection, batch, messages)
            if self._mend:
                self.mended += mend_raws(connection, messages)
            return batch.write(messages, placements, problems)

        try:
            return await self._writer.write(write)
        except UnicodeEncodeError:
            # A lone surrogate, which a parser should not let through, must not stop an import.
            return await self.add(encodable(messages), encodable(placements), encodable(problems))

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

        await self._database.write(record)
        await self._writer.put_in_order()
