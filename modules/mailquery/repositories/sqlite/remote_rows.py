"""Which UIDs of a server's mailbox are stored, and which of them the server has no more.

Everything works in pieces: a mailbox of a million messages is at no time in memory but as ranges of UIDs.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailquery.domain.messages import Flag
from mailquery.domain.uids import UidSet
from mailquery.repositories.sqlite.counting import Key
from mailquery.repositories.sqlite.scope import ids

ROWS_AT_ONCE = 2_000  # that are given up in one transaction
_UIDS_AT_ONCE = 200_000  # that are looked at in one read
_GAPS_AT_ONCE = 20_000
_ALL = UidSet(((1, 0xFFFFFFFF),))

_PLACE = """
    SELECT b.id, b.account, r.uid_validity, r.stored
    FROM accounts a JOIN mailboxes b ON b.account = a.id JOIN remote_mailboxes r ON r.mailbox = b.id
    WHERE a.name = ? AND b.name = ?
"""
_UIDS = "SELECT uid FROM remote_messages WHERE mailbox = ? AND validity = ? AND uid > ? ORDER BY uid LIMIT ?"
_BETWEEN = """
    SELECT uid FROM remote_messages WHERE mailbox = ? AND validity = ? AND uid BETWEEN ? AND ? ORDER BY uid LIMIT ?
"""
_ASIDE = """
    SELECT validity, uid FROM remote_messages
    WHERE mailbox = ?1 AND validity <> ?2 AND (validity, uid) > (?3, ?4) ORDER BY validity, uid LIMIT ?5
"""
_FLAGS = "SELECT uid, flags FROM remote_messages WHERE mailbox = ? AND validity = ? AND uid BETWEEN ? AND ?"
# Of UIDs that are absent: whether anything but this mailbox's UIDs and their labels holds the message in the account,
# and whether another UID of the same mailbox has it too.
_LEFT = """
    SELECT r.validity, r.uid, r.message,
      EXISTS (
        SELECT 1 FROM remote_messages o CROSS JOIN mailboxes b ON b.id = o.mailbox
        WHERE o.message = r.message AND o.mailbox <> r.mailbox AND b.account = ?3)
      OR EXISTS (
        SELECT 1 FROM placements p CROSS JOIN mailboxes b ON b.id = p.mailbox
        WHERE p.message = r.message AND b.account = ?3 AND p.flags & 64 = 0
          AND (p.imported OR (p.mailbox <> r.mailbox AND NOT EXISTS (
                SELECT 1 FROM remote_messages o, json_each(CASE o.labels WHEN '' THEN '[]' ELSE o.labels END) l
                WHERE o.message = r.message AND o.mailbox = r.mailbox AND l.value = p.mailbox)))),
      EXISTS (
        SELECT 1 FROM remote_messages o
        WHERE o.message = r.message AND o.mailbox = r.mailbox AND (o.validity <> r.validity OR o.uid <> r.uid))
    FROM json_each(?1) j
    CROSS JOIN remote_messages r
      ON r.mailbox = ?2 AND r.validity = j.value ->> 0 AND r.uid = j.value ->> 1
"""
_OTHERS = """
    SELECT validity, uid FROM remote_messages
    WHERE message = ?1 AND mailbox = ?2 AND (validity <> ?3 OR uid <> ?4)
"""
_DELETE = "DELETE FROM remote_messages WHERE mailbox = ? AND validity = ? AND uid = ? RETURNING message, labels"

Uid = tuple[int, int]  # with the UIDVALIDITY that it is of


@dataclass(frozen=True, slots=True)
class Place:
    """A mailbox that is synchronised."""

    mailbox: int
    account: int
    validity: int
    stored: int  # UIDs


def find_place(connection: sqlite3.Connection, account: str, mailbox: str) -> Place | None:
    row = connection.execute(_PLACE, (account, mailbox)).fetchone()
    return None if row is None else Place(*row)


class StoredUids:
    """Walks through what is stored of a mailbox, as ranges of UIDs."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._after = 0
        self.ranges: list[tuple[int, int]] = []
        self.ended = False

    def read(self, connection: sqlite3.Connection) -> None:
        """Adds the next ones."""
        place, ranges = self._place, self.ranges
        count = 0
        for (uid,) in connection.execute(_UIDS, (place.mailbox, place.validity, self._after, _UIDS_AT_ONCE)):
            count += 1
            if ranges and uid == ranges[-1][1] + 1:
                ranges[-1] = ranges[-1][0], uid
            else:
                ranges.append((uid, uid))
        self.ended = count < _UIDS_AT_ONCE
        if ranges:
            self._after = ranges[-1][1]


def read_flags(connection: sqlite3.Connection, place: Place, uids: UidSet) -> dict[int, Flag]:
    found: dict[int, Flag] = {}
    for first, last in uids.ranges:
        rows = connection.execute(_FLAGS, (place.mailbox, place.validity, first, last))
        found.update((uid, Flag(flags)) for uid, flags in rows)
    return found


class Absent:
    """Walks through what is stored of a mailbox and not `present` on its server: first what is kept aside under another
    UIDVALIDITY, then by UID."""

    def __init__(self, place: Place, present: UidSet) -> None:
        self._place = place
        self._aside: Uid | None = (0, 0)
        self._gaps = list(reversed((_ALL - present).ranges))

    @property
    def ended(self) -> bool:
        return self._aside is None and not self._gaps

    def read(self, connection: sqlite3.Connection) -> list[Uid]:
        """The next ones; maybe none before the end."""
        place = self._place
        if self._aside is not None:
            found = connection.execute(_ASIDE, (place.mailbox, place.validity, *self._aside, ROWS_AT_ONCE)).fetchall()
            self._aside = found[-1] if len(found) == ROWS_AT_ONCE else None
            return found
        uids: list[int] = []
        for _ in range(min(len(self._gaps), _GAPS_AT_ONCE)):
            first, last = self._gaps.pop()
            wanted = ROWS_AT_ONCE - len(uids)
            rows = connection.execute(_BETWEEN, (place.mailbox, place.validity, first, last, wanted)).fetchall()
            uids += [uid for (uid,) in rows]
            if len(rows) == wanted:
                if uids[-1] < last:
                    self._gaps.append((uids[-1] + 1, last))
                break
        return [(place.validity, uid) for uid in uids]


class MissingCount:
    """Counts what is absent. A message that was kept aside, and has a UID of now, is not missing; one that had several
    UIDs lies elsewhere where any of them is present."""

    def __init__(self, place: Place, present: UidSet) -> None:
        self._place = place
        self._present = present
        self._counted: set[int] = set()  # messages of several UIDs, none of which is present
        self.aside = 0
        self.missing = 0
        self.unplaced = 0

    def add(self, connection: sqlite3.Connection, absent: Sequence[Uid]) -> None:
        place = self._place
        for validity, uid, message, placed, has_others in connection.execute(
            _LEFT, (json.dumps(absent), place.mailbox, place.account)
        ):
            others = connection.execute(_OTHERS, (message, place.mailbox, validity, uid)) if has_others else ()
            self._count(validity, message, bool(placed), list(others))

    def _count(self, validity: int, message: int, placed: bool, others: Sequence[Uid]) -> None:
        now = [uid for other, uid in others if other == self._place.validity]
        is_aside, again = validity != self._place.validity, message in self._counted
        if is_aside and (now or again):
            return  # it counts by its UID of now, or was counted by another one
        if others:
            self._counted.add(message)
        self.aside += is_aside
        self.missing += 1
        if not (placed or again or any(uid in self._present for uid in now)):
            self.unplaced += 1


def delete_rows(connection: sqlite3.Connection, place: Place, uids: Sequence[Uid]) -> set[Key]:
    """Gives up UIDs; the placements that they held."""
    released: set[Key] = set()
    current = 0
    for validity, uid in uids:
        row = connection.execute(_DELETE, (place.mailbox, validity, uid)).fetchone()
        if row is not None:
            message, labels = row
            released.update((message, each) for each in (place.mailbox, *labels_of(labels)))
            current += validity == place.validity
    connection.execute(
        "UPDATE remote_mailboxes SET stored = stored - ? WHERE mailbox = ? AND uid_validity = ?",
        (current, place.mailbox, place.validity),
    )
    return released


def labels_of(stored: str) -> list[int]:
    """The ids of mailboxes, as they stand in `remote_messages.labels`."""
    return [int(each) for each in json.loads(stored)] if stored else []


def as_stored(labels: Iterable[int]) -> str:
    wanted = sorted(set(labels))
    return ids(wanted) if wanted else ""
