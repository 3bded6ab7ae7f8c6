"""What is counted of mailboxes and accounts: their messages, the newest, and of an account the oldest.

Hidden messages are not counted. Row ids are dates that were counted up, so that the first and the last message by row
id are near the oldest and the newest, and the rest is looked at between them.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Set

Key = tuple[int, int]  # a message's row id and a mailbox's id

_ADD_TO_MAILBOX = """
    UPDATE mailboxes SET messages = messages + ?1,
      newest = CASE WHEN ?2 IS NULL THEN newest ELSE max(coalesce(newest, ?2), ?2) END WHERE id = ?3
"""
_ADD_TO_ACCOUNT = """
    UPDATE accounts SET messages = messages + ?1,
      oldest = CASE WHEN ?2 IS NULL THEN oldest ELSE min(coalesce(oldest, ?2), ?2) END,
      newest = CASE WHEN ?3 IS NULL THEN newest ELSE max(coalesce(newest, ?3), ?3) END WHERE id = ?4
"""
_NEWEST = """
    UPDATE mailboxes SET newest = (
      SELECT max(m.date) FROM placements p CROSS JOIN messages m ON m.id = p.message
      WHERE p.mailbox = ?1 AND p.flags & 128 = 0 AND p.message >= (
        SELECT n.date FROM placements q CROSS JOIN messages n ON n.id = q.message
        WHERE q.mailbox = ?1 AND q.flags & 128 = 0 ORDER BY q.message DESC LIMIT 1))
    WHERE id = ?1 AND newest <= ?2
"""
_OLDEST_IN = """
    SELECT min(m.date) FROM placements p CROSS JOIN messages m ON m.id = p.message
    WHERE p.mailbox = ?1 AND p.flags & 128 = 0 AND p.message <= (
      SELECT n.date + (SELECT value FROM facts WHERE name = 'largest_shift')
      FROM placements q CROSS JOIN messages n ON n.id = q.message
      WHERE q.mailbox = ?1 AND q.flags & 128 = 0 ORDER BY q.message LIMIT 1)
"""


def count(
    connection: sqlite3.Connection,
    before: Set[Key],
    after: Set[Key],
    dates: Mapping[int, int],
    account_of: Mapping[int, int],
) -> None:
    """Brings the counts up to date. `before` and `after` are all placements of some messages that are not hidden;
    `dates` are those of the messages by row id, and `account_of` the mailboxes' accounts."""
    accounts_before = {(row, account_of[mailbox]) for row, mailbox in before}
    accounts_after = {(row, account_of[mailbox]) for row, mailbox in after}
    in_mailboxes, in_accounts = _Change.of(before, after, dates), _Change.of(accounts_before, accounts_after, dates)
    connection.executemany(
        _ADD_TO_MAILBOX,
        [(change.messages, max(change.added, default=None), mailbox) for mailbox, change in in_mailboxes.items()],
    )
    connection.executemany(
        _ADD_TO_ACCOUNT,
        [
            (change.messages, min(change.added, default=None), max(change.added, default=None), account)
            for account, change in in_accounts.items()
        ],
    )
    for mailbox, change in in_mailboxes.items():
        if change.taken:
            connection.execute(_NEWEST, (mailbox, max(change.taken)))
    for account, change in in_accounts.items():
        if change.taken:
            _narrow(connection, account, min(change.taken))


class _Change:
    """The dates of the messages that a mailbox or an account has more or less."""

    __slots__ = ("added", "taken")

    def __init__(self) -> None:
        self.added: list[int] = []
        self.taken: list[int] = []

    @classmethod
    def of(cls, before: Set[Key], after: Set[Key], dates: Mapping[int, int]) -> "Mapping[int, _Change]":
        """By mailbox or account."""
        changes: dict[int, _Change] = defaultdict(cls)
        for row, place in after - before:
            changes[place].added.append(dates[row])
        for row, place in before - after:
            changes[place].taken.append(dates[row])
        return changes

    @property
    def messages(self) -> int:
        return len(self.added) - len(self.taken)


def _narrow(connection: sqlite3.Connection, account: int, oldest_taken: int) -> None:
    """Looks for the first and the last date of an account anew, of which messages were taken."""
    connection.execute(
        "UPDATE accounts SET newest = (SELECT max(newest) FROM mailboxes WHERE account = ?1) WHERE id = ?1", (account,)
    )
    (oldest,) = connection.execute("SELECT oldest FROM accounts WHERE id = ?", (account,)).fetchone()
    if oldest is None or oldest < oldest_taken:
        return
    mailboxes = connection.execute("SELECT id FROM mailboxes WHERE account = ?", (account,)).fetchall()
    firsts = [connection.execute(_OLDEST_IN, each).fetchone()[0] for each in mailboxes]
    connection.execute(
        "UPDATE accounts SET oldest = ? WHERE id = ?",
        (min((date for date in firsts if date is not None), default=None), account),
    )
