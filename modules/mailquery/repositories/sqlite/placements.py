"""Placing the messages of a batch in mailboxes."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mailquery.domain.mailboxes import MailboxRole, Placement
from mailquery.domain.messages import Flag
from mailquery.repositories.prepared import NewPlacement
from mailquery.repositories.sqlite.counting import Key, count
from mailquery.repositories.sqlite.holding import settle_rows

_NEWEST_MAILBOX = "SELECT coalesce(max(id), 0) FROM mailboxes"


@dataclass(frozen=True, slots=True)
class Placed:
    """A message that placements can be given to."""

    row: int
    date: int
    new: bool  # added in this very transaction


def stored_flags(flags: Flag | None) -> int:
    """A source that keeps no flags has shown the message to its reader."""
    return int(Flag.SEEN if flags is None else flags)


def find_or_add_mailbox(connection: sqlite3.Connection, account: str, mailbox: str) -> int:
    execute = connection.execute
    execute("INSERT INTO accounts (name) VALUES (?) ON CONFLICT DO NOTHING", (account,))
    (account_id,) = execute("SELECT id FROM accounts WHERE name = ?", (account,)).fetchone()
    execute("INSERT INTO mailboxes (account, name) VALUES (?, ?) ON CONFLICT DO NOTHING", (account_id, mailbox))
    row: tuple[int] = execute(
        "SELECT id FROM mailboxes WHERE account = ? AND name = ?", (account_id, mailbox)
    ).fetchone()
    return row[0]


def set_mailbox_role(connection: sqlite3.Connection, account: str, mailbox: str, role: MailboxRole) -> int | None:
    """The mailbox's id where it was added, or had another role."""
    (newest,) = connection.execute(_NEWEST_MAILBOX).fetchone()
    mailbox_id = find_or_add_mailbox(connection, account, mailbox)
    changed = connection.execute(
        "UPDATE mailboxes SET role = ?1 WHERE id = ?2 AND role <> ?1", (role.value, mailbox_id)
    ).rowcount
    return mailbox_id if changed or mailbox_id > newest else None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch's placements come to. Keys are (message's row id, mailbox's id)."""

    new: dict[Key, int]  # flags of the messages that are added in this very transaction
    stored: dict[Key, int]  # of those that were there before
    messages: dict[int, Placed]  # by row id
    newest_mailbox: int  # of those that were there before

    @property
    def new_mailboxes(self) -> set[int]:
        """Those that were not there before this transaction."""
        return {mailbox for _, mailbox in (*self.new, *self.stored) if mailbox > self.newest_mailbox}

    def union(self) -> dict[int, int]:
        """By row id, the flags over all placements of a message that is added."""
        union: dict[int, int] = defaultdict(int)
        for (row, _), flags in self.new.items():
            union[row] |= flags
        return union


class Placer:
    """Writes placements within one transaction. They are `imported`, or else held by UIDs of a server."""

    def __init__(self, connection: sqlite3.Connection, *, imported: bool = True) -> None:
        self._connection = connection
        self._imported = imported
        self._mailboxes: dict[tuple[str, str], int] = {}

    def plan(self, wanted: Sequence[NewPlacement], messages: dict[bytes, Placed]) -> Plan:
        (newest_mailbox,) = self._connection.execute(_NEWEST_MAILBOX).fetchone()
        plan = Plan({}, {}, {}, newest_mailbox)
        for entry in wanted:
            message = messages[entry.fingerprint]
            plan.messages[message.row] = message
            flags = plan.new if message.new else plan.stored
            for placement in entry.placements:
                flags[message.row, self._mailbox(entry.account, placement)] = stored_flags(placement.flags)
        return plan

    def write(self, plan: Plan) -> set[int]:
        """Adds placements and brings flags up to date; the rows of the messages that lie in other mailboxes than
        before. New messages have their flags already."""
        imported = int(self._imported)
        self._connection.executemany(
            "INSERT INTO placements (message, mailbox, flags, imported) VALUES (?, ?, ?, ?)",
            sorted((*key, flags, imported) for key, flags in plan.new.items()),
        )
        if plan.new:
            dates = {row: message.date for row, message in plan.messages.items()}
            account_of = dict(self._connection.execute("SELECT id, account FROM mailboxes"))
            count(self._connection, set(), plan.new.keys(), dates, account_of)
        moved = {row for row, _ in plan.new}
        if plan.stored:
            rows = {row for row, _ in plan.stored}
            moved |= settle_rows(self._connection, rows, imported=plan.stored if self._imported else None).moved
        return moved

    def _mailbox(self, account: str, placement: Placement) -> int:
        key = (account, placement.mailbox)
        if (found := self._mailboxes.get(key)) is None:
            found = self._mailboxes[key] = find_or_add_mailbox(self._connection, *key)
        return found
