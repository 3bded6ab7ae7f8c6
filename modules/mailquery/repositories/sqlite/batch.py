"""One batch of messages, written in one transaction."""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from mailquery.domain.handles import HANDLE_BITS, key_of_fingerprint
from mailquery.domain.media import kind_of
from mailquery.domain.messages import Problem
from mailquery.domain.policy import Judge
from mailquery.domain.threading import split_subject, tells_apart
from mailquery.domain.words import INDEX_FORM, fold
from mailquery.repositories.prepared import IndexText, NewPlacement, PreparedMessage, SourceProblem
from mailquery.repositories.sqlite.attachments.contents import contents_of, forget_unused, given_texts
from mailquery.repositories.sqlite.encoding import lines, second_of
from mailquery.repositories.sqlite.index_rows import CURRENT, IndexTables, People, index_columns, make_current, put_in
from mailquery.repositories.sqlite.participants import REMOVALS, ParticipantNumbers
from mailquery.repositories.sqlite.placements import Placed, Placer
from mailquery.repositories.sqlite.row_ids import RowIds
from mailquery.repositories.sqlite.scope import ids
from mailquery.repositories.sqlite.threads import Links, ThreadJoiner, hash64, message_id_hash
from mailquery.repositories.sqlite.vocabulary import Vocabulary
from mailquery.repositories.sqlite.withholding import judge_placed

_INSERT_MESSAGE = """
    INSERT INTO messages (
      id, flags, date, sequence, key, thread, size, utc_offset, fingerprint, message_id_hash, subject_hash, orphan,
      list, date_source, message_id, subject, preview, in_reply_to, refs, locator, sender
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_READ_PARTS = """
    SELECT message, part, content, pending, given FROM attachments
    WHERE message IN (SELECT value FROM json_each(?)) AND (pending = 0 OR content IS NOT NULL)
"""
_LAST_SEQUENCE = """
    SELECT max((SELECT coalesce(max(sequence), 0) FROM messages),
               (SELECT value FROM facts WHERE name = 'last_sequence'))
"""
# Before the first messages are added: what comes behind them does not make an older index current.
_FIRST_INDEXED = """
    INSERT OR REPLACE INTO facts (name, value) VALUES ('index_form', ?)
"""


class _ReadPart(NamedTuple):
    """Columns of `attachments`: what was read of one."""

    content: int | None
    pending: int
    given: int


_UNREAD = _ReadPart(None, pending=1, given=0)


@dataclass(slots=True)
class _New:
    """A message that is added, and what was assigned to it."""

    message: PreparedMessage
    date: int
    row: int
    sequence: int
    key: int
    thread: int
    flags: int = 0


def stored(connection: sqlite3.Connection, fingerprints: Iterable[bytes]) -> dict[bytes, Placed]:
    """Those of `fingerprints` that are in the archive."""
    found = {}
    for fingerprint in set(fingerprints):
        row = connection.execute("SELECT id, date FROM messages WHERE fingerprint = ?", (fingerprint,)).fetchone()
        if row is not None:
            found[fingerprint] = Placed(row[0], row[1], new=False)
    return found


def next_sequence(connection: sqlite3.Connection) -> int:
    """That of the next message that is added: none is given twice."""
    (last,) = connection.execute(_LAST_SEQUENCE).fetchone()
    return int(last) + 1


class Batch:
    """`judge` says which of the messages nobody is to see."""

    def __init__(
        self, connection: sqlite3.Connection, numbers: ParticipantNumbers, vocabulary: Vocabulary, judge: Judge
    ) -> None:
        self._connection = connection
        self._numbers = numbers
        self._vocabulary = vocabulary
        self._judge = judge
        self.added = 0  # messages
        self.removed = 0

    def write(
        self,
        messages: Sequence[PreparedMessage],
        placements: Sequence[NewPlacement],
        problems: Sequence[SourceProblem],
        *,
        imported: bool = True,
    ) -> int:
        """Writes all of it; returns how many messages are new. Placements that are not `imported` are of new messages,
        and rows of remote_messages that hold them are written in the same transaction.

        Raises ValueError for a placement without message."""
        self._keep_up()
        known = stored(
            self._connection,
            [
                *(message.fingerprint for message in messages),
                *(placement.fingerprint for placement in placements),
                *(problem.fingerprint for problem in problems if problem.fingerprint is not None),
            ],
        )
        fresh = {m.fingerprint: m for m in messages if m.fingerprint not in known}
        new = self._assign(list(fresh.values()))
        for entry in new:
            known[entry.message.fingerprint] = Placed(entry.row, entry.date, new=True)
        if any(placement.fingerprint not in known for placement in placements):
            raise ValueError("a placement names a message that is neither stored nor added with it")
        placer = Placer(self._connection, imported=imported)
        plan = placer.plan(placements, known)
        flags = plan.union()
        for entry in new:
            entry.flags = flags.get(entry.row, 0)
        self._insert(new)
        self._vocabulary.add(self._connection, (entry.message.index for entry in new))
        placed = placer.write(plan) | {entry.row for entry in new}
        self.judge(placed, plan.new_mailboxes)
        self._write_problems(new, problems, known)
        self.added += len(new)
        return len(new)

    def judge(self, placed: Iterable[int], new_mailboxes: set[int]) -> None:
        """Judges messages that are new, or lie in other mailboxes than before."""
        judge_placed(self._connection, self._judge, list(placed), new_mailboxes)

    def rewrite(self, messages: Sequence[tuple[int, PreparedMessage]], index: IndexTables) -> None:
        """Writes what is derived from the texts of stored messages, which are given with their sequence: anew in their
        rows, and into `index`."""
        self._keep_up()
        entries = [_New(message, *self._stored(sequence)) for sequence, message in messages]
        entries.sort(key=lambda entry: entry.row)
        many = self._connection.executemany
        many(
            "UPDATE messages SET subject = ?, preview = ?, in_reply_to = ?, refs = ?, list = ?, sender = ?"
            " WHERE id = ?",
            [(*self._derived(entry.message), entry.row) for entry in entries],
        )
        many("INSERT OR REPLACE INTO bodies VALUES (?, ?)", [(each.sequence, each.message.body) for each in entries])
        rows = [entry.row for entry in entries]
        contents, read = contents_of(self._connection, rows), _read_parts(self._connection, rows)
        for table in ("repeated_recipients", "message_participants", "attachments"):
            many(f"DELETE FROM {table} WHERE message = ?", [(row,) for row in rows])  # noqa: S608 - names of ours
        texts = self._insert_parts(entries, index, read)
        forget_unused(self._connection, contents)
        self._vocabulary.add(self._connection, texts)
        self._write_problems(entries, (), {})
        judge_placed(self._connection, self._judge, rows, set())

    def _keep_up(self) -> None:
        """Forgets what was remembered before messages were removed."""
        (removals,) = self._connection.execute(REMOVALS).fetchone()
        self._numbers.as_of(removals)
        self._vocabulary.as_of(removals)

    def _stored(self, sequence: int) -> tuple[int, int, int, int, int]:
        date, row, key, thread = self._connection.execute(
            "SELECT date, id, key, thread FROM messages WHERE sequence = ?", (sequence,)
        ).fetchone()
        return date, row, sequence, key, thread

    def _derived(self, message: PreparedMessage) -> tuple[object, ...]:
        parsed = message.parsed
        return (
            parsed.subject,
            message.preview,
            lines(parsed.in_reply_to),
            lines(parsed.references),
            self._numbers.list_id(self._connection, parsed.list_id) if parsed.list_id else None,
            self._numbers.participant(self._connection, parsed.from_[0]).id if parsed.from_ else None,
        )

    def _assign(self, messages: list[PreparedMessage]) -> list[_New]:
        """Row ids, keys, sequence numbers and threads."""
        if not messages:
            return []
        execute = self._connection.execute
        sequence = next_sequence(self._connection) - 1
        rows = RowIds(self._connection)
        joiner = ThreadJoiner(self._connection)
        links = [Links.of(message.parsed, message.gmail_thread_id) for message in messages]
        joiner.load(links)
        keys: set[int] = set()
        new = []
        for number, (message, link) in enumerate(zip(messages, links, strict=True), sequence + 1):
            date = second_of(message.parsed.date)
            key = self._free_key(message.fingerprint, keys)
            new.append(_New(message, date, rows.take(date), number, key, joiner.place(key, link)))
        for entry in new:
            entry.thread = joiner.find(entry.thread)
        joiner.flush()
        if execute("SELECT NOT EXISTS (SELECT 1 FROM messages)").fetchone()[0]:
            make_current(self._connection)
            execute(_FIRST_INDEXED, (INDEX_FORM,))
        execute("UPDATE facts SET value = value + ? WHERE name = 'messages'", (len(new),))
        execute("UPDATE facts SET value = max(value, ?) WHERE name = 'largest_shift'", (rows.largest_shift,))
        # The trees are filled in the order of their keys.
        new.sort(key=lambda entry: entry.row)
        return new

    def _free_key(self, fingerprint: bytes, taken: set[int]) -> int:
        key = key_of_fingerprint(fingerprint)
        while key in taken or self._connection.execute("SELECT 1 FROM message_keys WHERE key = ?", (key,)).fetchone():
            key = (key + 1) % (1 << HANDLE_BITS)
        taken.add(key)
        return key

    def _insert(self, new: list[_New]) -> None:
        many = self._connection.executemany
        many(_INSERT_MESSAGE, [self._message_row(entry) for entry in new])
        by_sequence = sorted(new, key=lambda entry: entry.sequence)
        many("INSERT INTO bodies VALUES (?, ?)", [(entry.sequence, entry.message.body) for entry in by_sequence])
        many(
            "INSERT INTO raws VALUES (?, ?, ?)",
            [(entry.sequence, entry.message.raw_sha256, entry.message.raw) for entry in by_sequence],
        )
        self._insert_parts(new, CURRENT)

    def _insert_parts(
        self, new: list[_New], index: IndexTables, read: Mapping[int, Mapping[str, _ReadPart]] | None = None
    ) -> list[IndexText]:
        """What was `read` of their attachments, by message and part, stays. Returns what the index was given."""
        connection, many = self._connection, self._connection.executemany
        people = [People.of(connection, self._numbers, entry.message.parsed) for entry in new]
        both = list(zip(new, people, strict=True))
        many(
            "INSERT INTO message_participants VALUES (?, ?, ?, ?)",
            [(entry.row, *row) for entry, each in both for row in each.rows],
        )
        many(
            "INSERT INTO repeated_recipients VALUES (?, ?, ?)",
            [(entry.row, *row) for entry, each in both for row in each.repeated],
        )
        files = _attachment_rows(new, read or {})
        many("INSERT INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", files)
        attached = given_texts(connection, [row for row, parts in read.items() if parts]) if read else {}
        texts = [replace(entry.message.index, attached=attached.get(entry.row, "")) for entry in new]
        put_in(
            connection,
            index,
            [
                (entry.row, index_columns(connection, self._numbers, entry.message.parsed, text, each))
                for (entry, each), text in zip(both, texts, strict=True)
            ],
        )
        return texts

    def _message_row(self, entry: _New) -> tuple[object, ...]:
        message, parsed = entry.message, entry.message.parsed
        base, is_reply = split_subject(parsed.subject)
        subject_hash = hash64(base, b"subject") if tells_apart(base) else None
        orphan = is_reply and subject_hash is not None and not _names_a_message(message)
        return (
            entry.row,
            entry.flags,
            entry.date,
            entry.sequence,
            entry.key,
            entry.thread,
            message.raw_size,
            parsed.utc_offset,
            message.fingerprint,
            message_id_hash(parsed.message_id) if parsed.message_id else None,
            subject_hash,
            int(orphan),
            self._numbers.list_id(self._connection, parsed.list_id) if parsed.list_id else None,
            parsed.date_source.value,
            parsed.message_id,
            parsed.subject,
            message.preview,
            lines(parsed.in_reply_to),
            lines(parsed.references),
            message.locator,
            self._numbers.participant(self._connection, parsed.from_[0]).id if parsed.from_ else None,
        )

    def _write_problems(self, new: list[_New], problems: Sequence[SourceProblem], known: dict[bytes, Placed]) -> None:
        now = int(time.time())
        rows: list[tuple[int | None, str, Problem]] = [
            (entry.row, entry.message.locator, p) for entry in new for p in entry.message.parsed.problems
        ]
        for problem in problems:
            placed = known.get(problem.fingerprint) if problem.fingerprint is not None else None
            rows.append((placed.row if placed else None, problem.locator, problem.problem))
        self._connection.executemany(
            "INSERT INTO problems (message, locator, code, detail, recorded) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (locator, code, detail) DO UPDATE SET message = coalesce(message, excluded.message)",
            [(row, locator, p.code.value, p.detail, now) for row, locator, p in rows],
        )


def _names_a_message(message: PreparedMessage) -> bool:
    return bool(message.parsed.in_reply_to or message.parsed.references or message.gmail_thread_id)


def _read_parts(connection: sqlite3.Connection, rows: Sequence[int]) -> dict[int, dict[str, _ReadPart]]:
    found: dict[int, dict[str, _ReadPart]] = {row: {} for row in rows}
    for row, part, *read in connection.execute(_READ_PARTS, (ids(rows),)):
        found[row][part] = _ReadPart(*read)
    return found


def _attachment_rows(new: list[_New], read: Mapping[int, Mapping[str, _ReadPart]]) -> Iterator[tuple[object, ...]]:
    for entry in new:
        known = read.get(entry.row, {})
        for position, part in enumerate(entry.message.parsed.attachments):
            yield (
                entry.row,
                position,
                part.part,
                part.filename,
                fold(part.filename),
                part.content_type.lower(),
                kind_of(part.content_type, part.filename).value,
                part.size,
                int(part.inline),
                part.content_id,
                *known.get(part.part, _UNREAD),
            )
