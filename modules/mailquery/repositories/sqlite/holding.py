"""What holds messages in their mailboxes: UIDs of a server, and imports.

A message lies where a UID of it is, or a label of one (`remote_messages`), and where an import put it
(`placements.imported`). A placement that a synchronisation gives up, and that nothing holds, is gone: it goes away
where the message lies elsewhere in the account, and else is treated as `WhenGone` says. What nothing holds and nobody
gave up stays as it is: an account that was forgotten keeps its mail.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from mailquery.domain.accounts import WhenGone
from mailquery.domain.mailboxes import over_all
from mailquery.domain.messages import Flag
from mailquery.repositories.sqlite.counting import Key, count
from mailquery.repositories.sqlite.scope import ids

_GONE, _HIDDEN = int(Flag.GONE), int(Flag.HIDDEN)

_LYING = """
    SELECT p.message, p.mailbox, p.flags, p.imported FROM json_each(?) j CROSS JOIN placements p ON p.message = j.value
"""
_HELD = """
    SELECT r.message, r.mailbox, r.flags, r.labels, r.validity = b.uid_validity
    FROM json_each(?) j CROSS JOIN remote_messages r ON r.message = j.value
    CROSS JOIN remote_mailboxes b ON b.mailbox = r.mailbox
"""
_DATES = "SELECT id, date FROM messages WHERE id IN (SELECT value FROM json_each(?))"
_PLACE = """
    INSERT INTO placements (message, mailbox, flags, imported) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET flags = excluded.flags, imported = excluded.imported
"""


@dataclass(frozen=True, slots=True)
class Lying:
    """A message in a mailbox."""

    flags: int
    imported: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of it, by row id: the messages that lie in other mailboxes than before, those that are gone as of now,
    and those that lie nowhere any more."""

    moved: set[int]
    gone: set[int]
    unplaced: list[int]


def settle_rows(
    connection: sqlite3.Connection,
    rows: Iterable[int],
    *,
    imported: Mapping[Key, int] | None = None,
    released: Set[Key] = frozenset(),
    when_gone: WhenGone = WhenGone.KEEP,
) -> Settled:
    """Brings placements, flags and counts of stored messages up to date with what holds them. `imported` are the flags
    of placements that an import holds from now on; `released` are those that rows of remote_messages held."""
    wanted = ids(sorted(set(rows)))
    imported = imported or {}
    before = {(row, box): Lying(flags, bool(own)) for row, box, flags, own in connection.execute(_LYING, (wanted,))}
    held = _held(connection, wanted)
    account_of: dict[int, int] = dict(connection.execute("SELECT id, account FROM mailboxes"))
    after, gone = _resolved(before, held, imported, released, when_gone, account_of)
    _write(connection, before, after)
    dates: dict[int, int] = dict(connection.execute(_DATES, (wanted,)))
    shown_before, shown_after = _shown(before), _shown(after)
    count(connection, shown_before, shown_after, dates, account_of)
    flags: dict[int, list[int]] = {row: [] for row in dates}
    for (row, _), lying in after.items():
        flags[row].append(lying.flags)
    connection.executemany(
        "UPDATE messages SET flags = ?1 WHERE id = ?2 AND flags <> ?1",
        [(over_all(each), row) for row, each in flags.items()],
    )
    if shown_before != shown_after:
        connection.execute("UPDATE policy SET generation = generation + 1")
    return Settled(
        moved={row for row, _ in before.keys() ^ after.keys()},
        gone=gone,
        unplaced=[row for row, each in flags.items() if not each],
    )


def _held(connection: sqlite3.Connection, rows: str) -> dict[Key, int]:
    """The flags of what rows of remote_messages hold. Those from before a mailbox's UIDVALIDITY changed count only
    where there are no others."""
    current: dict[Key, int] = {}
    aside: dict[Key, int] = {}
    for row, mailbox, flags, labels, is_current in connection.execute(_HELD, (rows,)):
        found = current if is_current else aside
        for each in (mailbox, *(json.loads(labels) if labels else ())):
            found[row, each] = found.get((row, each), 0) | flags
    return aside | current


def _resolved(
    before: Mapping[Key, Lying],
    held: Mapping[Key, int],
    imported: Mapping[Key, int],
    released: Set[Key],
    when_gone: WhenGone,
    account_of: Mapping[int, int],
) -> tuple[dict[Key, Lying], set[int]]:
    """The placements, and the messages that are gone as of now."""
    after = {key: Lying(flags, imported=True) for key, flags in imported.items()}
    unheld: dict[Key, Lying] = {}
    for key, lying in before.items():
        if key in held or key in imported:
            continue
        if lying.flags & _GONE or (key in released and not lying.imported):
            unheld[key] = lying
        else:
            after[key] = lying
    for key, flags in held.items():
        after[key] = Lying(flags, key in imported or (key in before and before[key].imported))
    live = {(row, account_of[mailbox]) for row, mailbox in after}
    gone: set[int] = set()
    for (row, mailbox), lying in unheld.items():
        if (row, account_of[mailbox]) in live:
            continue
        if lying.flags & _GONE:
            after[row, mailbox] = lying
            continue
        gone.add(row)
        if when_gone is not WhenGone.REMOVE:
            marks = _GONE if when_gone is WhenGone.KEEP else _GONE | _HIDDEN
            after[row, mailbox] = Lying(lying.flags | marks, imported=False)
    return after, gone


def _write(connection: sqlite3.Connection, before: Mapping[Key, Lying], after: Mapping[Key, Lying]) -> None:
    connection.executemany(
        "DELETE FROM placements WHERE message = ? AND mailbox = ?", sorted(before.keys() - after.keys())
    )
    connection.executemany(
        _PLACE,
        sorted((*key, lying.flags, int(lying.imported)) for key, lying in after.items() if before.get(key) != lying),
    )


def _shown(placements: Mapping[Key, Lying]) -> set[Key]:
    return {key for key, lying in placements.items() if not lying.flags & _HIDDEN}
