"""One mailbox by its very name, and its newest messages."""

import sqlite3

from mailquery.domain.mailboxes import MailboxRole
from mailquery.repositories.records import MailboxSummary, MessageRow, Visibility
from mailquery.repositories.sqlite.encoding import optional_moment
from mailquery.repositories.sqlite.rows import read_rows
from mailquery.repositories.sqlite.scope import Scope
from mcpkit.database.sqlite import Database

_COUNTS = """
    SELECT b.messages, b.newest, b.refreshed,
      (SELECT count(*) FROM placements p WHERE p.mailbox = b.id AND p.flags & 129 = 0)
    FROM mailboxes b WHERE b.id = ?
"""
_SHOWN_COUNTS = """
    SELECT count(m.id), max(m.date), b.refreshed, coalesce(sum(p.flags & 129 = 0), 0)
    FROM mailboxes b LEFT JOIN shown_placements p ON p.mailbox = b.id
    LEFT JOIN messages m ON m.id = p.message
    WHERE b.id = ?
"""
# The numbers of messages are dates that were counted up.
_NEWEST = "SELECT message FROM found_placements WHERE mailbox = ? ORDER BY message DESC LIMIT ?"


class SqliteNewest:
    """`NewestRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self, visible: Visibility, account: str, mailbox: str, limit: int
    ) -> tuple[MailboxSummary, tuple[MessageRow, ...]] | None:
        def read(connection: sqlite3.Connection) -> tuple[MailboxSummary, tuple[MessageRow, ...]] | None:
            scope = Scope(connection, visible)
            found = next((each for each in scope.mailboxes if (each.account, each.name) == (account, mailbox)), None)
            if found is None:
                return None
            counts = _SHOWN_COUNTS if scope.policy.withholds else _COUNTS
            messages, newest, refreshed, unread = connection.execute(counts, (found.id,)).fetchone()
            summary = MailboxSummary(
                account=found.account,
                name=found.name,
                role=MailboxRole(found.role),
                messages=messages,
                unread=unread,
                newest=optional_moment(newest),
                refreshed=optional_moment(refreshed),
            )
            rows = [row for (row,) in connection.execute(_NEWEST, (found.id, limit))]
            return summary, read_rows(connection, rows, scope)

        return await self._database.read(read)
