"""Reading messages and threads by their keys."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence

from mailquery.domain.addresses import Role
from mailquery.domain.messages import DateSource, Problem, ProblemCode
from mailquery.repositories.compression import decompress, unpack_body
from mailquery.repositories.interfaces import SenderOf
from mailquery.repositories.records import MessageRow, OpenedMessage, OpenedThread, StoredMessage, Visibility
from mailquery.repositories.sqlite.correspondents import acquaintances
from mailquery.repositories.sqlite.encoding import from_lines
from mailquery.repositories.sqlite.rows import read_people, read_rows
from mailquery.repositories.sqlite.scope import Scope, ids
from mailquery.repositories.sqlite.threads import current_thread
from mcpkit.database.faults import storage_damaged
from mcpkit.database.sqlite import Database

# ?1 is a key; ?2 is a JSON array of the visible mailboxes' ids, or NULL for all of them.
_BY_KEY = """
    SELECT m.id FROM messages m
    WHERE m.id = (SELECT k.message FROM message_keys k WHERE k.key = ?1)
      AND (?2 IS NULL OR EXISTS (SELECT 1 FROM shown_placements v WHERE v.message = m.id
                                            AND v.mailbox IN (SELECT value FROM json_each(?2))))
"""
_BY_THREAD = """
    SELECT m.id FROM messages m
    WHERE m.thread = ?1 AND (?2 IS NULL OR EXISTS (SELECT 1 FROM shown_placements v WHERE v.message = m.id
                                            AND v.mailbox IN (SELECT value FROM json_each(?2))))
    ORDER BY m.date, m.id
"""
_RAW = """
    SELECT r.frame FROM messages m CROSS JOIN raws r ON r.sequence = m.sequence
    WHERE m.id = (SELECT k.message FROM message_keys k WHERE k.key = ?1)
      AND (?2 IS NULL OR EXISTS (SELECT 1 FROM shown_placements v WHERE v.message = m.id
                                            AND v.mailbox IN (SELECT value FROM json_each(?2))))
"""
_RAWS = """
    SELECT m.id, r.frame
    FROM json_each(?) j
    CROSS JOIN messages m ON m.id = j.value
    CROSS JOIN raws r ON r.sequence = m.sequence
"""
_DETAILS = """
    SELECT m.id, m.date_source, m.in_reply_to, m.refs, coalesce(l.name, ''), b.body
    FROM json_each(?) j
    CROSS JOIN messages m ON m.id = j.value
    CROSS JOIN bodies b ON b.sequence = m.sequence
    LEFT JOIN lists l ON l.id = m.list
"""
_ACCOUNTS = """
    SELECT DISTINCT p.message, a.name
    FROM json_each(?1) j
    CROSS JOIN placements p ON p.message = j.value
    CROSS JOIN mailboxes b ON b.id = p.mailbox
    CROSS JOIN accounts a ON a.id = b.account
    WHERE ?2 IS NULL OR b.id IN (SELECT value FROM json_each(?2))
    ORDER BY a.name
"""
_PROBLEMS = """
    SELECT p.message, p.code, p.detail
    FROM json_each(?) j CROSS JOIN problems p ON p.message = j.value
    GROUP BY p.message, p.code, p.detail ORDER BY min(p.id)
"""


class SqliteMessages:
    """`MessageRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: int, visible: Visibility) -> StoredMessage | None:
        found = await self._stored(_BY_KEY, key, visible)
        return found[0] if found else None

    async def raw(self, key: int, visible: Visibility) -> bytes | None:
        def read(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute(_RAW, (key, Scope(connection, visible).limit)).fetchone()
            return None if row is None else decompress(row[0])

        try:
            return await self._database.read(read)
        except ValueError as error:
            raise storage_damaged(self._database.path, str(error)) from error

    async def open(self, key: int, visible: Visibility, sender: SenderOf) -> OpenedMessage | None:
        def read(connection: sqlite3.Connection) -> OpenedMessage | None:
            scope = Scope(connection, visible)
            found = _open(connection, _find(connection, _BY_KEY, key, scope), scope, sender)
            return found[0] if found else None

        try:
            return await self._database.read(read)
        except ValueError as error:
            raise storage_damaged(self._database.path, str(error)) from error

    async def open_thread(
        self, key: int, visible: Visibility, sender: SenderOf, *, bodies: int, opened: int
    ) -> OpenedThread:
        def read(connection: sqlite3.Connection) -> OpenedThread:
            scope = Scope(connection, visible)
            rows = _find(connection, _BY_THREAD, current_thread(connection, key), scope)
            whole = rows[-bodies:]
            return OpenedThread(
                early=read_rows(connection, rows[:-bodies], scope),
                unopened=read_stored(connection, whole[:-opened], scope),
                opened=_open(connection, whole[-opened:], scope, sender),
            )

        try:
            return await self._database.read(read)
        except ValueError as error:
            raise storage_damaged(self._database.path, str(error)) from error

    async def thread(self, key: int, visible: Visibility) -> tuple[StoredMessage, ...]:
        return await self._stored(_BY_THREAD, key, visible)

    async def thread_rows(self, key: int, visible: Visibility) -> tuple[MessageRow, ...]:
        def read(connection: sqlite3.Connection) -> tuple[MessageRow, ...]:
            scope = Scope(connection, visible)
            rows = _find(connection, _BY_THREAD, current_thread(connection, key), scope)
            return read_rows(connection, rows, scope)

        return await self._database.read(read)

    async def _stored(self, sql: str, key: int, visible: Visibility) -> tuple[StoredMessage, ...]:
        def read(connection: sqlite3.Connection) -> tuple[StoredMessage, ...]:
            scope = Scope(connection, visible)
            wanted = current_thread(connection, key) if sql is _BY_THREAD else key
            return read_stored(connection, _find(connection, sql, wanted, scope), scope)

        try:
            return await self._database.read(read)
        except ValueError as error:
            raise storage_damaged(self._database.path, str(error)) from error


def _open(
    connection: sqlite3.Connection, rows: Sequence[int], scope: Scope, sender: SenderOf
) -> tuple[OpenedMessage, ...]:
    messages = read_stored(connection, rows, scope)
    raws = {row: decompress(frame) for row, frame in connection.execute(_RAWS, (ids(rows),))}
    known = acquaintances(connection, [sender(message.row) for message in messages], scope)
    return tuple(
        OpenedMessage(message, raws.get(message.row.row), acquaintance)
        for message, acquaintance in zip(messages, known, strict=True)
    )


def _find(connection: sqlite3.Connection, sql: str, key: int, scope: Scope) -> list[int]:
    return [row for (row,) in connection.execute(sql, (key, scope.limit))]


def find_message(connection: sqlite3.Connection, key: int, scope: Scope) -> list[int]:
    """The row id of the message with this key, where there is one that the caller may see."""
    return _find(connection, _BY_KEY, key, scope)


def read_stored(connection: sqlite3.Connection, rows: Sequence[int], scope: Scope) -> tuple[StoredMessage, ...]:
    """The messages with these row ids, in this order. Raises ValueError where one is damaged."""
    if not rows:
        return ()
    wanted = ids(rows)
    people = read_people(connection, wanted)
    details = {row: rest for row, *rest in connection.execute(_DETAILS, (wanted,))}
    accounts: dict[int, list[str]] = defaultdict(list)
    for row, name in connection.execute(_ACCOUNTS, (wanted, scope.limit)):
        accounts[row].append(name)
    problems: dict[int, list[Problem]] = defaultdict(list)
    for row, code, detail in connection.execute(_PROBLEMS, (wanted,)):
        problems[row].append(Problem(ProblemCode(code), detail))
    stored = []
    for message in read_rows(connection, rows, scope, people):
        row = message.row
        date_source, in_reply_to, references, list_id, packed = details[row]
        body, links = unpack_body(packed)
        by_role = {role: tuple(people.get((row, role), ())) for role in Role}
        stored.append(
            StoredMessage(
                row=message,
                accounts=tuple(accounts[row]),
                date_source=DateSource(date_source),
                sender=by_role[Role.SENDER],
                reply_to=by_role[Role.REPLY_TO],
                to=by_role[Role.TO],
                cc=by_role[Role.CC],
                bcc=by_role[Role.BCC],
                in_reply_to=from_lines(in_reply_to),
                references=from_lines(references),
                list_id=list_id,
                body=body,
                links=links,
                problems=tuple(problems[row]),
            )
        )
    return tuple(stored)
