"""Taking an account out of the archive with its mail."""

import sqlite3
from collections.abc import Sequence
from heapq import nlargest

from mailquery.domain.mailboxes import over_all
from mailquery.repositories.removing import RemovedPart
from mailquery.repositories.sqlite.archive import Archive
from mailquery.repositories.sqlite.batch import Batch
from mailquery.repositories.sqlite.counting import Key, count
from mailquery.repositories.sqlite.removal import overwriting, remove
from mailquery.repositories.sqlite.scope import ids
from mailquery.repositories.sqlite.synchronising import PATIENCE
from mailquery.repositories.sqlite.writing import Writer
from mcpkit.errors import ErrorCode, Fault

_MERGED_PAGES = 2_000  # of the index, in one transaction
_HIDDEN = 128

_ACCOUNT = "SELECT id FROM accounts WHERE name = ?"
_MESSAGES = """
    SELECT count(DISTINCT p.message) FROM mailboxes b CROSS JOIN placements p ON p.mailbox = b.id WHERE b.account = ?
"""
_NEWEST = "SELECT message FROM placements WHERE mailbox = ? ORDER BY message DESC LIMIT ?"
_LYING = """
    SELECT p.message, p.mailbox, p.flags, b.account FROM json_each(?) j
    CROSS JOIN placements p ON p.message = j.value CROSS JOIN mailboxes b ON b.id = p.mailbox
"""
_DATES = "SELECT id, date FROM messages WHERE id IN (SELECT value FROM json_each(?))"
_OF_ACCOUNT = "mailbox IN (SELECT id FROM mailboxes WHERE account = ?1)"
_OF_MESSAGES = "message IN (SELECT value FROM json_each(?2))"


class SqliteRemoval:
    """`RemovalRepository`."""

    def __init__(self, archive: Archive, writer: Writer | None = None, *, patience: float = PATIENCE) -> None:
        self._archive = archive
        self._writer = writer or Writer(archive)
        self._patience = patience

    async def messages(self, account: str) -> int | None:
        def read(connection: sqlite3.Connection) -> int | None:
            found = connection.execute(_ACCOUNT, (account,)).fetchone()
            return None if found is None else connection.execute(_MESSAGES, found).fetchone()[0]

        return await self._archive.read_unshown(read)

    async def remove_next(self, account: str, limit: int) -> RemovedPart:
        async with self._writer.holding(self._patience):
            return await self._writer.write(lambda connection, batch: _remove_next(connection, batch, account, limit))

    async def remove_account(self, account: str) -> None:
        await self._archive.write(lambda connection: _remove_account(connection, account))

    async def put_in_order(self) -> int:
        def merge(connection: sqlite3.Connection) -> bool:
            before = connection.total_changes
            with overwriting(connection):
                connection.execute("INSERT INTO search (search, rank) VALUES ('merge', ?)", (pages,))
            return connection.total_changes - before > 1  # https://sqlite.org/fts5.html, section 6.8

        async with self._writer.holding(self._patience):
            pages = -_MERGED_PAGES  # which merges everything into one piece
            while await self._archive.write(merge):
                pages = _MERGED_PAGES
            await self._archive.maintain(
                lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            )
        return await self._archive.read_unshown(
            lambda connection: int(connection.execute("SELECT count(*) FROM removed").fetchone()[0])
        )


def _remove_next(connection: sqlite3.Connection, batch: Batch, account: str, limit: int) -> RemovedPart:
    found = connection.execute(_ACCOUNT, (account,)).fetchone()
    if found is None:
        return RemovedPart(0, 0)
    (number,) = found
    rows = _newest(connection, number, limit)
    wanted = ids(rows)
    lying = connection.execute(_LYING, (wanted,)).fetchall()
    before: set[Key] = {(row, mailbox) for row, mailbox, flags, _ in lying if not flags & _HIDDEN}
    after: set[Key] = {(row, box) for row, box, flags, owner in lying if not flags & _HIDDEN and owner != number}
    elsewhere: dict[int, list[int]] = {}
    for row, _, flags, owner in lying:
        if owner != number:
            elsewhere.setdefault(row, []).append(flags)
    for table in ("remote_messages", "placements"):
        connection.execute(f"DELETE FROM {table} WHERE {_OF_ACCOUNT} AND {_OF_MESSAGES}", (number, wanted))  # noqa: S608 - names of ours
    dates: dict[int, int] = dict(connection.execute(_DATES, (wanted,)))
    account_of: dict[int, int] = dict(connection.execute("SELECT id, account FROM mailboxes"))
    count(connection, before, after, dates, account_of)
    connection.executemany(
        "UPDATE messages SET flags = ?1 WHERE id = ?2 AND flags <> ?1",
        [(over_all(flags), row) for row, flags in elsewhere.items()],
    )
    connection.execute("UPDATE policy SET generation = generation + 1")
    batch.judge(elsewhere, set())
    removed = remove(connection, [row for row in rows if row not in elsewhere])
    return RemovedPart(removed, len(elsewhere))


def _newest(connection: sqlite3.Connection, account: int, limit: int) -> Sequence[int]:
    mailboxes = connection.execute("SELECT id FROM mailboxes WHERE account = ?", (account,)).fetchall()
    found = {row for (mailbox,) in mailboxes for (row,) in connection.execute(_NEWEST, (mailbox, limit))}
    return nlargest(limit, found)


def _remove_account(connection: sqlite3.Connection, account: str) -> None:
    found = connection.execute(_ACCOUNT, (account,)).fetchone()
    if found is None:
        return
    if connection.execute(_MESSAGES, found).fetchone() != (0,):
        raise Fault(ErrorCode.CONFLICT, f"Mail comes into the account {account!r} meanwhile. Stop that first.")
    with overwriting(connection):
        for table in ("remote_messages", "remote_mailboxes", "withheld_mailboxes"):
            connection.execute(f"DELETE FROM {table} WHERE {_OF_ACCOUNT}", found)  # noqa: S608 - names of ours
        for table in ("mailboxes", "mail_accounts"):
            connection.execute(f"DELETE FROM {table} WHERE account = ?", found)  # noqa: S608 - names of ours
        connection.execute("DELETE FROM accounts WHERE id = ?", found)
