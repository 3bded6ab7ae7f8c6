"""Which mailboxes messages lie in, with which flags, and the counts that follow from it."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mailquery.domain.mailboxes import MailboxRole, Placement
from mailquery.domain.messages import Flag
from mailquery.repositories.records import NewPlacement

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
    """What a batch's placements come to. Keys of `flags` and `known` are (message's row id, mailbox's id)."""

    flags: dict[tuple[int, int], int]  # wanted
    known: dict[tuple[int, int], int]  # stored, for the messages that are not new
    messages: dict[int, Placed]  # by row id
    newest_mailbox: int  # of those that were there before

    @property
    def new_mailboxes(self) -> set[int]:
        """Those that were not there before this transaction."""
        return {mailbox for _, mailbox in self.flags if mailbox > self.newest_mailbox}

    @property
    def placed(self) -> list[int]:
        """The messages that are new, or lie in a further mailbox."""
        return list({row for row, _ in self.flags.keys() - self.known.keys()})

    def union(self) -> dict[int, int]:
        """By row id, the flags over all placements of a message."""
        union: dict[int, int] = defaultdict(int)
        for (row, _), flags in (self.known | self.flags).items():
            union[row] |= flags
        return union


class Placer:
    """Writes placements within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._mailboxes: dict[tuple[str, str], int] = {}

    def plan(self, wanted: Sequence[NewPlacement], messages: dict[bytes, Placed]) -> Plan:
        (newest_mailbox,) = self._connection.execute(_NEWEST_MAILBOX).fetchone()
        flags: dict[tuple[int, int], int] = {}
        touched: dict[int, Placed] = {}
        for entry in wanted:
            message = messages[entry.fingerprint]
            touched[message.row] = message
            for placement in entry.placements:
                flags[message.row, self._mailbox(entry.account, placement)] = stored_flags(placement.flags)
        known = self._known([row for row, message in touched.items() if not message.new])
        return Plan(flags, known, touched, newest_mailbox)

    def write(self, plan: Plan) -> None:
        """Adds placements and brings flags up to date. New messages have their flags already."""
        self._connection.executemany(
            "INSERT INTO placements (message, mailbox, flags) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET flags = excluded.flags",
            sorted((*key, flags) for key, flags in plan.flags.items() if plan.known.get(key) != flags),
        )
        self._count(plan)
        self._connection.executemany(
            "UPDATE messages SET flags = ?1 WHERE id = ?2 AND flags <> ?1",
            [(flags, row) for row, flags in plan.union().items() if not plan.messages[row].new],
        )

    def _mailbox(self, account: str, placement: Placement) -> int:
        key = (account, placement.mailbox)
        if (found := self._mailboxes.get(key)) is None:
            found = self._mailboxes[key] = find_or_add_mailbox(self._connection, *key)
        return found

    def _known(self, rows: list[int]) -> dict[tuple[int, int], int]:
        return {
            (row, mailbox): flags
            for row, mailbox, flags in self._connection.execute(
                "SELECT p.message, p.mailbox, p.flags FROM json_each(?) j JOIN placements p ON p.message = j.value",
                (json.dumps(rows),),
            )
        }

    def _count(self, plan: Plan) -> None:
        added = [key for key in plan.flags if key not in plan.known]
        if not added:
            return
        account_of = dict(self._connection.execute("SELECT id, account FROM mailboxes"))
        in_account = {(row, account_of[mailbox]) for row, mailbox in plan.known}
        by_mailbox: dict[int, list[int]] = defaultdict(list)
        by_account: dict[int, list[int]] = defaultdict(list)
        for row, mailbox in added:
            date = plan.messages[row].date
            by_mailbox[mailbox].append(date)
            account = account_of[mailbox]
            if (row, account) not in in_account:
                in_account.add((row, account))
                by_account[account].append(date)
        self._connection.executemany(
            "UPDATE mailboxes SET messages = messages + ?1, newest = max(coalesce(newest, ?2), ?2) WHERE id = ?3",
            [(len(dates), max(dates), mailbox) for mailbox, dates in by_mailbox.items()],
        )
        self._connection.executemany(
            "UPDATE accounts SET messages = messages + ?1, oldest = min(coalesce(oldest, ?2), ?2),"
            " newest = max(coalesce(newest, ?3), ?3) WHERE id = ?4",
            [(len(dates), min(dates), max(dates), account) for account, dates in by_account.items()],
        )
