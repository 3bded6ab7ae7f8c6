"""Storing what a server has: its messages with their UIDs, and what changes of them."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence

from mailquery.domain.accounts import WhenGone
from mailquery.domain.mailboxes import Placement
from mailquery.domain.messages import Flag
from mailquery.repositories.prepared import NewPlacement, PreparedMessage, SourceProblem
from mailquery.repositories.sqlite.batch import Batch, stored
from mailquery.repositories.sqlite.counting import Key
from mailquery.repositories.sqlite.holding import settle_rows
from mailquery.repositories.sqlite.placements import find_or_add_mailbox
from mailquery.repositories.sqlite.remote_rows import Place, Uid, as_stored, delete_rows, labels_of
from mailquery.repositories.sqlite.removal import remove
from mailquery.repositories.sqlite.scope import ids
from mailquery.repositories.synchronising import Arrival

_KNOWN = """
    SELECT r.uid, r.message, r.flags, r.labels FROM json_each(?) j
    CROSS JOIN remote_messages r ON r.mailbox = ? AND r.validity = ? AND r.uid = j.value
"""
_INSERT = """
    INSERT INTO remote_messages (mailbox, validity, uid, message, flags, content_id, labels)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_CHANGE = "UPDATE remote_messages SET flags = ?, labels = ? WHERE mailbox = ? AND validity = ? AND uid = ?"
_NEWEST_MAILBOX = "SELECT coalesce(max(id), 0) FROM mailboxes"


class Mailboxes:
    """An account's mailboxes by their names, within one transaction. Missing ones are added."""

    def __init__(self, connection: sqlite3.Connection, account: str) -> None:
        self._connection = connection
        self._account = account
        self._known: dict[str, int] = {}
        (self._newest,) = connection.execute(_NEWEST_MAILBOX).fetchone()

    def id(self, name: str) -> int:
        if (found := self._known.get(name)) is None:
            found = self._known[name] = find_or_add_mailbox(self._connection, self._account, name)
        return found

    @property
    def added(self) -> set[int]:
        return {mailbox for mailbox in self._known.values() if mailbox > self._newest}


def add_arrivals(
    connection: sqlite3.Connection,
    batch: Batch,
    account: str,
    mailbox: str,
    place: Place,
    arrivals: Sequence[Arrival],
    messages: Sequence[PreparedMessage],
    problems: Sequence[SourceProblem],
) -> int:
    """How many messages are new. Raises ValueError where an arrival's message is neither stored nor given."""
    uids = ids({arrival.uid for arrival in arrivals})
    known = {row[0] for row in connection.execute(_KNOWN, (uids, place.mailbox, place.validity))}
    fresh = {arrival.uid: arrival for arrival in arrivals if arrival.uid not in known}
    before = stored(connection, (arrival.fingerprint for arrival in fresh.values()))
    mailboxes = Mailboxes(connection, account)
    labels = {arrival.uid: [mailboxes.id(label) for label in arrival.labels] for arrival in fresh.values()}
    new = [arrival for arrival in fresh.values() if arrival.fingerprint not in before]
    wanted = {arrival.fingerprint for arrival in new}
    given = [message for message in messages if message.fingerprint in wanted]
    added = batch.write(given, _placements(account, mailbox, new), problems, imported=False)
    placed = before | stored(connection, wanted)
    connection.executemany(
        _INSERT,
        [
            (
                place.mailbox,
                place.validity,
                uid,
                placed[arrival.fingerprint].row,
                int(arrival.flags),
                arrival.content_id,
                as_stored(labels[uid]),
            )
            for uid, arrival in sorted(fresh.items())
        ],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO partial_messages (message) VALUES (?)",
        [(placed[arrival.fingerprint].row,) for arrival in new if arrival.partial],
    )
    connection.execute("UPDATE remote_mailboxes SET stored = stored + ? WHERE mailbox = ?", (len(fresh), place.mailbox))
    if before or mailboxes.added:
        batch.judge(settle_rows(connection, [each.row for each in before.values()]).moved, mailboxes.added)
    return added


def _placements(account: str, mailbox: str, arrivals: Sequence[Arrival]) -> list[NewPlacement]:
    """Two UIDs of a mailbox may be of one message: it has the flags of both."""
    flags: dict[bytes, dict[str, Flag]] = defaultdict(dict)
    for arrival in arrivals:
        of_message = flags[arrival.fingerprint]
        for name in (mailbox, *arrival.labels):
            of_message[name] = of_message.get(name, Flag(0)) | arrival.flags
    return [
        NewPlacement(print_, account, tuple(Placement(name, each, "") for name, each in places.items()))
        for print_, places in flags.items()
    ]


def change_flags(
    connection: sqlite3.Connection, batch: Batch, account: str, place: Place, changes: Sequence[Arrival]
) -> int:
    """How many UIDs had other flags or labels. Those that are not known are passed over."""
    wanted = {change.uid: change for change in changes}
    mailboxes = Mailboxes(connection, account)
    changed: list[tuple[object, ...]] = []
    touched: set[int] = set()
    released: set[Key] = set()
    rows = connection.execute(_KNOWN, (ids(wanted), place.mailbox, place.validity)).fetchall()
    for uid, message, flags, labels in rows:
        change = wanted[uid]
        now = as_stored(mailboxes.id(label) for label in change.labels)
        if (flags, labels) != (int(change.flags), now):
            changed.append((int(change.flags), now, place.mailbox, place.validity, uid))
            touched.add(message)
            released.update((message, each) for each in set(labels_of(labels)) - set(labels_of(now)))
    connection.executemany(_CHANGE, changed)
    if touched:
        batch.judge(settle_rows(connection, touched, released=released).moved, mailboxes.added)
    return len(changed)


def give_up(
    connection: sqlite3.Connection, batch: Batch, place: Place, uids: Sequence[Uid], when_gone: WhenGone
) -> int:
    """Gives up what the server has no more; how many messages were treated as `when_gone` says. What is to be removed
    leaves the archive where it lies in no account any more."""
    released = delete_rows(connection, place, uids)
    settled = settle_rows(connection, {row for row, _ in released}, released=released, when_gone=when_gone)
    batch.judge(settled.moved.difference(settled.unplaced), set())
    batch.removed += remove(connection, settled.unplaced)
    return len(settled.gone)
