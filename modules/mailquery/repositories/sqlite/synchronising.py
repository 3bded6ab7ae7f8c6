"""The repository that mail from servers is stored through."""

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from mailquery.domain.accounts import WhenGone
from mailquery.domain.identity import header_mark
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.domain.uids import UidSet
from mailquery.repositories.compression import decompress
from mailquery.repositories.prepared import PreparedMessage, SourceProblem
from mailquery.repositories.sqlite.archive import Archive
from mailquery.repositories.sqlite.arriving import add_arrivals, change_flags, give_up
from mailquery.repositories.sqlite.batch import Batch, stored
from mailquery.repositories.sqlite.completing import complete, complete_from, find_whereabouts
from mailquery.repositories.sqlite.encoding import encodable
from mailquery.repositories.sqlite.placements import set_mailbox_role
from mailquery.repositories.sqlite.remote_rows import (
    ROWS_AT_ONCE,
    Absent,
    MissingCount,
    Place,
    StoredUids,
    Uid,
    find_place,
    read_flags,
)
from mailquery.repositories.sqlite.scope import ids
from mailquery.repositories.sqlite.threads import message_id_hash
from mailquery.repositories.sqlite.withholding import judge_mailbox
from mailquery.repositories.sqlite.writing import Writer
from mailquery.repositories.synchronising import Arrival, KnownMailbox, Missing, Whereabouts
from mcpkit.database.faults import storage_damaged
from mcpkit.errors import ErrorCode, Fault

T = TypeVar("T")

PATIENCE = 30.0  # seconds to wait for another process that writes

_REMOVED_AT_ONCE = 200  # in one transaction, since it takes long to take a message out
_FOLLOW, _KEEP = 1, 2  # remote_mailboxes.answer

_MAILBOXES = """
    SELECT b.name, r.remote_key, r.uid_validity, r.uid_next, r.messages, r.highest_modseq, r.complete
    FROM accounts a JOIN mailboxes b ON b.account = a.id JOIN remote_mailboxes r ON r.mailbox = b.id
    WHERE a.name = ? ORDER BY b.name
"""
_MAILBOX = "SELECT b.id FROM mailboxes b JOIN accounts a ON a.id = b.account WHERE a.name = ? AND b.name = ?"
_IS_EMPTY = "SELECT 1 FROM placements WHERE mailbox = ? LIMIT 1"
# Under another UIDVALIDITY nothing is known of the mailbox, and what was asked about it was asked of another one.
_BEGIN = """
    INSERT INTO remote_mailboxes (mailbox, remote_key, uid_validity) VALUES (?1, ?2, ?3)
    ON CONFLICT (mailbox) DO UPDATE SET remote_key = ?2, uid_validity = ?3, uid_next = 0, messages = 0,
      highest_modseq = 0, complete = 0, missing = 0, had = 0, asked = NULL, answer = 0
    WHERE uid_validity <> ?3
"""
# A UIDVALIDITY has 32 bits: what is above is of none that a server has given. Each time has its own.
_SET_ASIDE = """
    UPDATE remote_messages SET validity = ?2 + 4294967296 * (1 + (
      SELECT max(o.validity) / 4294967296 FROM remote_messages o WHERE o.mailbox = ?1
    ))
    WHERE mailbox = ?1 AND validity = ?2
"""
_BY_CONTENT = """
    SELECT r.content_id, m.fingerprint
    FROM json_each(?1) j
    CROSS JOIN remote_messages r ON r.content_id = j.value AND r.content_id <> ''
    CROSS JOIN mailboxes b ON b.id = r.mailbox
    CROSS JOIN accounts a ON a.id = b.account
    CROSS JOIN messages m ON m.id = r.message
    WHERE a.name = ?2 AND r.message NOT IN (SELECT message FROM partial_messages)
"""
# Whoever writes many messages with one Message-ID must not make this long.
_SAME_ID_AT_MOST = 5
_SAME_ID = """
    SELECT m.fingerprint, r.frame FROM messages m CROSS JOIN raws r ON r.sequence = m.sequence
    WHERE m.message_id_hash = ? AND m.message_id = ? ORDER BY m.id LIMIT ?
"""
_ASK = """
    UPDATE remote_mailboxes SET missing = ?, had = ?, asked = coalesce(asked, ?) WHERE mailbox = ? AND answer = 0
"""
_SETTLED = """
    UPDATE remote_mailboxes SET missing = 0, had = 0, asked = NULL, answer = 0
    WHERE mailbox = ? AND (asked IS NOT NULL OR answer <> 0)
"""
_FINISH = """
    UPDATE remote_mailboxes SET remote_key = ?, uid_next = ?, messages = ?, highest_modseq = ?, complete = ?
    WHERE mailbox = ? AND uid_validity = ?
"""
_REFRESHED = """
    UPDATE mailboxes SET refreshed = ?1
    WHERE name IN (SELECT value FROM json_each(?2)) AND account = (SELECT id FROM accounts WHERE name = ?3)
"""


class SqliteSync:
    """`SyncRepository` and `PartialRepository`.

    A synchronisation waits for the network most of the time, and holds the archive's lock only while it writes: so
    that two of them, and an import of this process, write by turns. Another process may hold the lock for as long as an
    import or a rebuilding takes. A write waits for it for `patience` seconds, and then raises Fault CONFLICT: what was
    written stays, and the next synchronisation goes on there. What is written under no lock is read by no one who
    remembers it.
    """

    def __init__(self, archive: Archive, writer: Writer | None = None, *, patience: float = PATIENCE) -> None:
        self._archive = archive
        self._writer = writer or Writer(archive)
        self._patience = patience

    async def mailboxes(self, account: str) -> tuple[KnownMailbox, ...]:
        def read(connection: sqlite3.Connection) -> tuple[KnownMailbox, ...]:
            rows = connection.execute(_MAILBOXES, (account,))
            return tuple(
                KnownMailbox(name, key, validity, uid_next, messages, modseq, bool(complete))
                for name, key, validity, uid_next, messages, modseq, complete in rows
            )

        return await self._archive.read_unshown(read)

    async def begin(self, account: str, name: str, key: str, role: MailboxRole, uid_validity: int) -> UidSet:
        judge = self._archive.judge

        def write(connection: sqlite3.Connection) -> Place:
            changed = set_mailbox_role(connection, account, name, role)
            if changed is not None:
                judge_mailbox(connection, judge.policy, changed)
            (mailbox,) = connection.execute(_MAILBOX, (account, name)).fetchone()
            connection.execute(_BEGIN, (mailbox, key, uid_validity))
            connection.execute("UPDATE remote_mailboxes SET remote_key = ? WHERE mailbox = ?", (key, mailbox))
            return _known_place(connection, account, name)

        place = await self._archive.write(write)
        stored_uids = StoredUids(place)
        while not stored_uids.ended:
            await self._archive.read_unshown(stored_uids.read)
        uids = UidSet.of_ranges(stored_uids.ranges)
        if len(uids) != place.stored:  # as where the UIDVALIDITY is another than before
            await self._archive.write(
                lambda connection: connection.execute(
                    "UPDATE remote_mailboxes SET stored = ? WHERE mailbox = ? AND uid_validity = ?",
                    (len(uids), place.mailbox, place.validity),
                )
            )
        return uids

    async def set_aside(self, account: str, mailbox: str) -> None:
        def write(connection: sqlite3.Connection) -> None:
            place = _known_place(connection, account, mailbox)
            connection.execute(_SET_ASIDE, (place.mailbox, place.validity))
            connection.execute(
                "UPDATE remote_mailboxes SET stored = 0, complete = 0 WHERE mailbox = ?", (place.mailbox,)
            )

        await self._archive.write(write)

    async def known(self, fingerprints: Sequence[bytes]) -> set[bytes]:
        return await self._archive.read_unshown(lambda connection: set(stored(connection, fingerprints)))

    async def by_content(self, account: str, content_ids: Sequence[str]) -> Mapping[str, bytes]:
        def read(connection: sqlite3.Connection) -> dict[str, bytes]:
            return dict(connection.execute(_BY_CONTENT, (ids(content_ids), account)).fetchall())

        return await self._archive.read_unshown(read)

    async def like(self, account: str, message_id: str, header: bytes) -> bytes | None:
        mark = header_mark(header)

        def read(connection: sqlite3.Connection) -> bytes | None:
            rows = connection.execute(_SAME_ID, (message_id_hash(message_id), message_id, _SAME_ID_AT_MOST))
            return next((print_ for print_, frame in rows if header_mark(decompress(frame)) == mark), None)

        try:
            return await self._archive.read_unshown(read) if message_id else None
        except ValueError as error:
            raise storage_damaged(self._archive.path, str(error)) from error

    async def whereabouts(self, key: int) -> tuple[Whereabouts, ...]:
        return await self._archive.read_unshown(lambda connection: find_whereabouts(connection, key))

    async def complete(self, key: int, message: PreparedMessage) -> None:
        try:
            await self._write(lambda connection, batch: complete(connection, batch, key, message))
        except UnicodeEncodeError:
            await self.complete(key, encodable(message))

    async def add(
        self,
        account: str,
        mailbox: str,
        arrivals: Sequence[Arrival],
        messages: Sequence[PreparedMessage],
        problems: Sequence[SourceProblem],
    ) -> int:
        """Raises ValueError for an arrival whose message is neither stored nor given."""

        def write(connection: sqlite3.Connection, batch: Batch) -> int:
            place = _known_place(connection, account, mailbox)
            complete_from(connection, batch, messages)
            return add_arrivals(connection, batch, account, mailbox, place, arrivals, messages, problems)

        try:
            return await self._write(write)
        except UnicodeEncodeError:
            # A lone surrogate, which a parser should not let through, must not stop a synchronisation.
            return await self.add(account, mailbox, encodable(arrivals), encodable(messages), encodable(problems))

    async def flags(self, account: str, mailbox: str, uids: UidSet) -> Mapping[int, Flag]:
        def read(connection: sqlite3.Connection) -> dict[int, Flag]:
            return read_flags(connection, _known_place(connection, account, mailbox), uids)

        return await self._archive.read_unshown(read)

    async def set_flags(self, account: str, mailbox: str, changes: Sequence[Arrival]) -> int:
        changed = 0
        for start in range(0, len(changes), ROWS_AT_ONCE):
            part = changes[start : start + ROWS_AT_ONCE]

            def write(connection: sqlite3.Connection, batch: Batch, part: Sequence[Arrival] = part) -> int:
                return change_flags(connection, batch, account, _known_place(connection, account, mailbox), part)

            changed += await self._write(write)
        return changed

    async def missing(self, account: str, mailbox: str, present: UidSet) -> Missing:
        place = await self._place(account, mailbox)
        absent, count = Absent(place, present), MissingCount(place, present)

        def read(connection: sqlite3.Connection) -> None:
            count.add(connection, absent.read(connection))

        while not absent.ended:
            await self._archive.read_unshown(read)
        return Missing(place.stored + count.aside, count.missing, count.unplaced)

    async def settle(self, account: str, mailbox: str, present: UidSet, when_gone: WhenGone) -> int:
        place = await self._place(account, mailbox)
        if await self._archive.read_unshown(lambda connection: _answer(connection, place)) == _KEEP:
            when_gone = WhenGone.KEEP
        at_once = _REMOVED_AT_ONCE if when_gone is WhenGone.REMOVE else ROWS_AT_ONCE
        absent, gone = Absent(place, present), 0
        while not absent.ended:
            uids = await self._archive.read_unshown(absent.read)
            for start in range(0, len(uids), at_once):
                gone += await self._give_up(place, uids[start : start + at_once], when_gone)
        await self._archive.write(lambda connection: connection.execute(_SETTLED, (place.mailbox,)))
        return gone

    async def _give_up(self, place: Place, uids: Sequence[Uid], when_gone: WhenGone) -> int:
        return await self._write(lambda connection, batch: give_up(connection, batch, place, uids, when_gone))

    async def ask(self, account: str, mailbox: str, missing: int, messages: int) -> None:
        now = int(time.time())

        def write(connection: sqlite3.Connection) -> None:
            place = _known_place(connection, account, mailbox)
            connection.execute(_ASK, (missing, messages, now, place.mailbox))

        await self._archive.write(write)

    async def answer(self, account: str, mailbox: str, *, accepted: bool) -> bool:
        def write(connection: sqlite3.Connection) -> bool:
            place = find_place(connection, account, mailbox)
            return place is not None and bool(
                connection.execute(
                    "UPDATE remote_mailboxes SET answer = ? WHERE mailbox = ? AND asked IS NOT NULL",
                    (_FOLLOW if accepted else _KEEP, place.mailbox),
                ).rowcount
            )

        return await self._archive.write(write)

    async def accepted(self, account: str, mailbox: str) -> bool:
        def read(connection: sqlite3.Connection) -> bool:
            place = find_place(connection, account, mailbox)
            return place is not None and _answer(connection, place) != 0

        return await self._archive.read_unshown(read)

    async def finish(self, account: str, known: KnownMailbox) -> None:
        await self._record(account, known)
        await self.unchanged(account, [known.name])

    async def looked(self, account: str, known: KnownMailbox) -> None:
        await self._record(account, known)

    async def _record(self, account: str, known: KnownMailbox) -> None:
        def write(connection: sqlite3.Connection) -> None:
            place = _known_place(connection, account, known.name)
            facts = known.key, known.uid_next, known.messages, known.highest_modseq, int(known.complete)
            connection.execute(_FINISH, (*facts, place.mailbox, known.uid_validity))

        await self._archive.write(write)

    async def unchanged(self, account: str, mailboxes: Sequence[str]) -> None:
        now = int(time.time())
        await self._archive.write(lambda connection: connection.execute(_REFRESHED, (now, ids(mailboxes), account)))

    async def set_role(self, account: str, mailbox: str, role: MailboxRole) -> None:
        judge = self._archive.judge

        def write(connection: sqlite3.Connection) -> None:
            changed = set_mailbox_role(connection, account, mailbox, role)
            if changed is not None:
                judge_mailbox(connection, judge.policy, changed)

        await self._archive.write(write)

    async def drop(self, account: str, mailbox: str, when_gone: WhenGone) -> int:
        gone = await self.settle(account, mailbox, UidSet(), when_gone)

        def write(connection: sqlite3.Connection) -> None:
            place = _known_place(connection, account, mailbox)
            connection.execute("DELETE FROM remote_mailboxes WHERE mailbox = ?", (place.mailbox,))
            if connection.execute(_IS_EMPTY, (place.mailbox,)).fetchone() is None:
                connection.execute("DELETE FROM withheld_mailboxes WHERE mailbox = ?", (place.mailbox,))
                connection.execute("DELETE FROM mailboxes WHERE id = ?", (place.mailbox,))

        await self._archive.write(write)
        return gone

    async def put_in_order(self) -> None:
        async with self._writer.holding(self._patience):
            await self._writer.put_in_order()

    async def _place(self, account: str, mailbox: str) -> Place:
        return await self._archive.read_unshown(lambda connection: _known_place(connection, account, mailbox))

    async def _write(self, function: Callable[[sqlite3.Connection, Batch], T]) -> T:
        async with self._writer.holding(self._patience):
            return await self._writer.write(function)


def _known_place(connection: sqlite3.Connection, account: str, mailbox: str) -> Place:
    place = find_place(connection, account, mailbox)
    if place is None:
        raise Fault(
            ErrorCode.NOT_FOUND,
            f"The mailbox {mailbox!r} of {account!r} is not synchronised, or not any more.",
            details={"account": account, "mailbox": mailbox},
        )
    return place


def _answer(connection: sqlite3.Connection, place: Place) -> int:
    row: tuple[int] | None = connection.execute(
        "SELECT answer FROM remote_mailboxes WHERE mailbox = ?", (place.mailbox,)
    ).fetchone()
    return 0 if row is None else row[0]
