"""The repository of the texts of attachments."""

import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from mailquery.domain.extraction import COMPLETE_FORM, EXTRACTION_FORM, ExtractionState, Section
from mailquery.domain.messages import Attachment
from mailquery.domain.policy import Policy, Readable
from mailquery.repositories.compression import decompress
from mailquery.repositories.extracting import (
    ExtractionProgress,
    ReadPart,
    StoredText,
    UnreadAttachments,
    UnreadPart,
)
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.archive import Archive
from mailquery.repositories.sqlite.attachments.attached_index import AttachedText
from mailquery.repositories.sqlite.attachments.attachment_policy import (
    another_policy,
    apply_policy,
    differing,
    policy_in_force,
    set_policy,
)
from mailquery.repositories.sqlite.attachments.contents import (
    content_of,
    contents_of,
    extraction,
    forget_unused,
    given_sections,
    readable_sections,
)
from mailquery.repositories.sqlite.messages import find_message
from mailquery.repositories.sqlite.policy_state import State
from mailquery.repositories.sqlite.rows import read_rows
from mailquery.repositories.sqlite.scope import Scope, ids
from mailquery.repositories.sqlite.word_matches import finds_attached
from mailquery.repositories.sqlite.writing import merge_index
from mcpkit.database.faults import storage_damaged, translated
from mcpkit.database.writer_lock import WriterLock

_APPLIED = 20  # messages in one transaction

_PENDING = """
    SELECT DISTINCT message FROM attachments INDEXED BY attachments_pending
    WHERE pending = 1 AND message NOT IN (SELECT message FROM partial_messages) ORDER BY message DESC LIMIT ?
"""
_PENDING_PARTS = """
    SELECT part, filename, type FROM attachments WHERE message = ? AND pending = 1 ORDER BY position
"""
_RAW = """
    SELECT m.sequence, r.frame FROM messages m CROSS JOIN raws r ON r.sequence = m.sequence WHERE m.id = ?
"""
_KNOWN = "SELECT sha256 FROM contents WHERE form >= ? AND sha256 = ? LIMIT 1"
_OUTDATED = """
    UPDATE attachments SET pending = 1
    WHERE content IN (SELECT id FROM contents WHERE form > 0 AND form < ?) AND pending = 0
"""
_TO_RETRY = "SELECT id FROM contents WHERE form > 0 AND state IN (SELECT value FROM json_each(?))"
_OF_ATTACHMENT = """
    SELECT c.type, c.state, c.detail, c.facts, c.sections, c.form
    FROM attachments a CROSS JOIN contents c ON c.id = a.content WHERE a.message = ? AND a.part = ?
"""
_COUNTS = """
    SELECT count(*), coalesce(sum(content IS NOT NULL), 0), coalesce(sum(given & 4 > 0), 0) FROM attachments
    INDEXED BY attachments_by_content WHERE {shown}
"""
_NOT_DONE = """
    SELECT count(*), coalesce(sum(message IN (SELECT message FROM partial_messages)), 0),
      coalesce(sum(content IS NOT NULL), 0)
    FROM attachments INDEXED BY attachments_pending WHERE pending = 1 AND {shown}
"""
_BY_STATE = """
    SELECT c.state, count(*) FROM contents c
    WHERE c.form > 0 AND EXISTS (SELECT 1 FROM attachments WHERE content = c.id AND {shown}) GROUP BY c.state
"""
_UNREAD = """
    SELECT count(*) FROM contents c CROSS JOIN attachments a ON a.content = c.id
    WHERE c.form > 0 AND c.form < ? AND a.pending = 0 AND {shown}
"""
_SHOWN = "message NOT IN (SELECT message FROM withheld)"


class SqliteExtractions:
    """`ExtractionRepository`. `archive.judge` has the process's policy. `complete` is whether the process looks into
    pictures too: then what was read without is read anew."""

    def __init__(self, archive: Archive, *, complete: bool = False) -> None:
        self._archive = archive
        self._form = COMPLETE_FORM if complete else EXTRACTION_FORM
        path = archive.path.with_name(archive.path.name + ".extraction.lock")
        self._lock = WriterLock(path, "is reading the attachments of this archive, and goes on with it.")
        self._changed = 0  # messages whose texts came since the index was last put in order

    @property
    def looks_into_pictures(self) -> bool:
        return self._form >= COMPLETE_FORM

    @asynccontextmanager
    async def extracting(self) -> AsyncIterator[None]:
        # A lock of its own, as for vectors: an import that begins meanwhile must not be refused.
        with translated(self._archive.path):
            self._lock.acquire()
        try:
            if await self._archive.read_unshown(partial(_any_outdated, form=self._form)):
                await self._archive.write(lambda connection: connection.execute(_OUTDATED, (self._form,)))
            yield
        finally:
            self._lock.release()

    async def apply_policy(self) -> bool:
        policy = self._archive.judge.policy
        if await self._archive.read_unshown(policy_in_force) == policy.attachments_fingerprint:
            return False
        await self._archive.write(lambda connection: set_policy(connection, None))
        last = (0, -1)
        while True:
            found = await self._archive.read_unshown(partial(differing, policy=policy, start=last))
            if found.last is None:
                break
            last = found.last
            for first in range(0, len(found.messages), _APPLIED):
                part = found.messages[first : first + _APPLIED]
                await self._archive.write(partial(apply_policy, policy=policy, rows=part))
        await self._archive.write(lambda connection: set_policy(connection, policy.attachments_fingerprint))
        return True

    async def pending(self, limit: int, size: int) -> tuple[UnreadAttachments, ...]:
        policy = self._archive.judge.policy
        return await self._archive.read_unshown(lambda connection: _pending(connection, policy, limit, size))

    async def known(self, hashes: Sequence[bytes]) -> set[bytes]:
        def read(connection: sqlite3.Connection) -> set[bytes]:
            found = (connection.execute(_KNOWN, (self._form, each)).fetchone() for each in set(hashes))
            return {row[0] for row in found if row is not None}

        return await self._archive.read_unshown(read)

    async def add(self, found: Mapping[int, Sequence[ReadPart]]) -> None:
        policy = self._archive.judge.policy

        def write(connection: sqlite3.Connection) -> int:
            if policy_in_force(connection) != policy.attachments_fingerprint:
                raise another_policy()
            changed = 0
            for sequence, parts in found.items():
                row = connection.execute("SELECT id FROM messages WHERE sequence = ?", (sequence,)).fetchone()
                if row is not None:
                    changed += _add(connection, policy, row[0], parts, self._form)
            return changed

        self._changed += await self._archive.write(write)

    async def keep(self, key: int, part: ReadPart) -> None:
        policy = self._archive.judge.policy

        def write(connection: sqlite3.Connection) -> int:
            if policy_in_force(connection) != policy.attachments_fingerprint:
                raise another_policy()
            rows = find_message(connection, key, Scope(connection, Visibility()))
            return sum(_add(connection, policy, row, [part], self._form) for row in rows)

        self._changed += await self._archive.write(write)

    async def retry(self, states: Sequence[ExtractionState]) -> int:
        def write(connection: sqlite3.Connection) -> int:
            wanted = ids(row for (row,) in connection.execute(_TO_RETRY, (ids(each.value for each in states),)))
            marked = connection.execute(
                "UPDATE attachments SET pending = 1 WHERE content IN (SELECT value FROM json_each(?))", (wanted,)
            ).rowcount
            connection.execute("UPDATE contents SET form = -id WHERE id IN (SELECT value FROM json_each(?))", (wanted,))
            return marked

        return await self._archive.write(write)

    async def text(self, key: int, part: str, visible: Visibility) -> StoredText | None:
        policy = self._archive.judge.policy

        def read(connection: sqlite3.Connection) -> StoredText | None:
            scope = Scope(connection, visible)
            rows = find_message(connection, key, scope)
            if not rows:
                return None
            (message,) = read_rows(connection, rows, scope)
            wanted = next((each for each in message.attachments if each.part == part), None)
            if wanted is None:
                return None
            stored = connection.execute(_OF_ATTACHMENT, (message.row, part)).fetchone()
            readable = policy.readable(wanted.content_type, wanted.filename, stored[0] if stored else "")
            if stored is None or readable is Readable.NOTHING:
                return StoredText(message, wanted, None)
            whole = extraction(*stored)
            sections = tuple(readable_sections(whole.sections, readable))
            return StoredText(message, wanted, replace(whole, sections=sections))

        try:
            return await self._archive.read(read)
        except ValueError as error:
            raise storage_damaged(self._archive.path, str(error)) from error

    async def texts(self, rows: Sequence[int]) -> Mapping[int, Sequence[tuple[Attachment, Sequence[Section]]]]:
        def read(connection: sqlite3.Connection) -> Mapping[int, Sequence[tuple[Attachment, Sequence[Section]]]]:
            return given_sections(connection, rows) if finds_attached(connection) else {}

        return await self._archive.read(read)

    async def progress(self) -> ExtractionProgress:
        return await self._archive.read_unshown(_progress)

    async def shown_progress(self) -> ExtractionProgress:
        return await self._archive.read(
            lambda connection: _progress(connection, _SHOWN if State.read(connection).withholds else "1")
        )

    async def put_in_order(self) -> None:
        changed, self._changed = self._changed, 0
        if changed:
            await self._archive.write(lambda connection: merge_index(connection, changed))


def _progress(connection: sqlite3.Connection, shown: str = "1") -> ExtractionProgress:
    """Of the attachments for which the condition `shown` holds."""
    total, with_content, cut = connection.execute(_COUNTS.format(shown=shown)).fetchone()
    pending, waiting, again = connection.execute(_NOT_DONE.format(shown=shown)).fetchone()
    withheld = total - with_content - (pending - again)
    states = {ExtractionState(state): count for state, count in connection.execute(_BY_STATE.format(shown=shown))}
    searched = not total or finds_attached(connection)
    (unread,) = connection.execute(_UNREAD.format(shown=shown), (COMPLETE_FORM,)).fetchone()
    return ExtractionProgress(
        done=with_content - again,
        total=total - waiting - withheld,
        contents=states,
        waiting=waiting,
        withheld=withheld,
        cut=cut,
        searched=searched,
        unread_pictures=unread,
    )


def _any_outdated(connection: sqlite3.Connection, form: int) -> bool:
    found = connection.execute("SELECT 1 FROM contents WHERE form > 0 AND form < ? LIMIT 1", (form,)).fetchone()
    return found is not None


def _pending(connection: sqlite3.Connection, policy: Policy, limit: int, size: int) -> tuple[UnreadAttachments, ...]:
    found: list[UnreadAttachments] = []
    taken = 0
    for (row,) in connection.execute(_PENDING, (limit,)).fetchall():
        sequence, frame = connection.execute(_RAW, (row,)).fetchone()
        try:
            raw = decompress(frame)
        except ValueError:  # whoever reads the message is told; the others must not wait for it
            raw = b""
        if found and taken + len(raw) > size:
            break
        taken += len(raw)
        parts = tuple(
            UnreadPart(part, filename, policy.readable(content_type, filename) is Readable.NOTHING)
            for part, filename, content_type in connection.execute(_PENDING_PARTS, (row,))
        )
        found.append(UnreadAttachments(sequence, raw, parts))
    return tuple(found)


def _add(connection: sqlite3.Connection, policy: Policy, row: int, parts: Sequence[ReadPart], form: int) -> bool:
    index = AttachedText(connection, row)
    before = contents_of(connection, [row])
    for part in parts:
        content = content_of(connection, part, form) if part.sha256 else None
        if content is not None or not part.sha256:
            connection.execute(
                "UPDATE attachments SET content = ?, pending = 0 WHERE message = ? AND part = ?",
                (content, row, part.part),
            )
    changed = index.settle(policy)
    forget_unused(connection, before)
    return changed
