"""Messages one by one: their bytes, their texts, and what the index has of them."""

import hashlib
import re
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mailquery.domain.handles import message_handle
from mailquery.domain.identity import fingerprint
from mailquery.domain.mailboxes import over_all
from mailquery.domain.words import new_words
from mailquery.repositories.compression import content_size, decompress, unpack_body
from mailquery.repositories.prepared import IndexText
from mailquery.repositories.sqlite.index_removal import is_indexed, make_again
from mailquery.repositories.sqlite.index_rows import CURRENT, columns_of, digest_of
from mailquery.repositories.sqlite.scope import ids
from mailquery.repositories.sqlite.vocabulary import word_columns
from mailquery.repositories.verifying import Check, Damage, Examined, Remedy

_TEXTS_AT_A_TIME = 25  # messages whose texts, with those of their attachments, are in memory
_SOME_WORDS = 8  # of a message, the longest ones of each column
_WORDS_AT_A_TIME = 100  # of one query
_LONGEST_WORD = 40  # characters
_WORD = re.compile(r"[^\W_]{2,}")  # letters and digits: what every tokenizer takes for a word

_MESSAGES = """
    SELECT m.id, m.key, m.flags, m.size, m.fingerprint, m.locator, r.sha256, r.frame, b.body
    FROM json_each(?) j CROSS JOIN messages m ON m.sequence = j.value
    LEFT JOIN raws r ON r.sequence = m.sequence LEFT JOIN bodies b ON b.sequence = m.sequence
"""
_FLAGS = "SELECT message, flags FROM placements WHERE message IN (SELECT value FROM json_each(?))"
_DIGESTS = "SELECT id, digest FROM indexed WHERE id IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class _Row:
    """What is kept of a message while others are looked at: none of its bytes."""

    id: int
    key: int
    flags: int
    size: int
    fingerprint: bytes
    locator: str


def wrong_with_bytes(frame: bytes | None, sha256: bytes | None, mark: bytes, size: int) -> str:
    """What is wrong with the stored bytes of the message of this fingerprint; empty where nothing is."""
    if frame is None:
        return "its bytes are missing"
    if content_size(frame) != size:  # before so much memory is asked for
        return "its bytes are fewer or more than were stored"
    try:
        raw = decompress(frame)
    except ValueError:
        return "its bytes cannot be read"
    if hashlib.sha256(raw).digest() != sha256:
        return "its bytes are not those that were stored"
    if fingerprint(raw) != mark:
        return "its bytes are those of another message"
    return ""


class MessageChecks:
    """Of one transaction. `index_is_current` is whether the index was made by this version: else another is not one
    that is damaged."""

    def __init__(self, connection: sqlite3.Connection, *, index_is_current: bool, all_words: bool) -> None:
        self._connection = connection
        self._index_is_current = index_is_current
        self._all_words = all_words
        self._found: dict[Check, list[Damage]] = defaultdict(list)

    def __call__(self, sequences: Sequence[int]) -> tuple[Examined, ...]:
        rows, readable = [], []
        for *columns, sha256, frame, body in self._connection.execute(_MESSAGES, (ids(sequences),)):
            row = _Row(*columns)
            rows.append(row)
            if wrong := wrong_with_bytes(frame, sha256, row.fingerprint, row.size):
                self._add(row, Check.MESSAGES, wrong, Remedy.IMPORT)
            if self._check_body(row, body):
                readable.append(row)
        flags = self._flags(rows)
        for row in rows:
            if row.flags and not flags[row.id]:
                self._add(row, Check.COUNTS, "it is in no mailbox", Remedy.IMPORT)
            elif row.flags != over_all(flags[row.id]):
                self._add(row, Check.COUNTS, "its flags are not those that it has in its mailboxes", Remedy.REINDEX)
        if self._index_is_current:
            try:
                for start in range(0, len(readable), _TEXTS_AT_A_TIME):
                    self._check_indexed(readable[start : start + _TEXTS_AT_A_TIME])
            except sqlite3.DatabaseError as error:
                what = f"the index cannot be read ({error})"
                self._found[Check.INDEX].append(Damage(Check.INDEX, what, Remedy.REINDEX))
        counts = {Check.MESSAGES: len(rows), Check.BODIES: len(rows), Check.COUNTS: 0}
        counts[Check.INDEX] = len(readable) if self._index_is_current else 0
        return tuple(Examined(check, count, self._found[check]) for check, count in counts.items())

    def _flags(self, rows: Sequence[_Row]) -> dict[int, list[int]]:
        flags: dict[int, list[int]] = {row.id: [] for row in rows}
        for message, each in self._connection.execute(_FLAGS, (ids(flags),)):
            flags[message].append(each)
        return flags

    def _check_body(self, row: _Row, body: bytes | None) -> bool:
        if body is None:
            self._add(row, Check.BODIES, "its text is missing", Remedy.REINDEX)
            return False
        try:
            unpack_body(body)
        except (ValueError, KeyError, TypeError):
            self._add(row, Check.BODIES, "its text cannot be read", Remedy.REINDEX)
            return False
        return True

    def _check_indexed(self, rows: Sequence[_Row]) -> None:
        try:
            self._check_index(rows)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_READONLY:
                raise
            # To make their texts again, somebody who is not there would have to be added.
            if len(rows) == 1:
                self._add(rows[0], Check.INDEX, "its people are not those that it was stored with", Remedy.REINDEX)
                return
            for row in rows:
                self._check_indexed([row])

    def _check_index(self, rows: Sequence[_Row]) -> None:
        made = make_again(self._connection, [row.id for row in rows])
        digests = dict(self._connection.execute(_DIGESTS, (ids(made),)).fetchall())
        columns = columns_of(self._connection, CURRENT)
        for row in rows:
            if row.id not in made:
                continue
            text, values = made[row.id]
            values = values[: len(columns)]
            if not is_indexed(self._connection, CURRENT, row.id):
                self._add(row, Check.INDEX, "it is not in the index", Remedy.REINDEX)
            elif row.id in digests and digests[row.id] != digest_of(values):
                self._add(row, Check.INDEX, "the index has another text than the stored one", Remedy.REINDEX)
            elif not self._is_found(row.id, columns, values):
                self._add(row, Check.INDEX, "it is not found by its words", Remedy.REINDEX)
            elif not self._are_known(text):
                self._add(row, Check.INDEX, "its words are not known in their other forms", Remedy.REINDEX)

    def _is_found(self, row: int, columns: Sequence[str], values: Sequence[str]) -> bool:
        terms = []
        for column, value in zip(columns, values, strict=True):
            words = {word for word in _WORD.findall(value) if len(word) <= _LONGEST_WORD}
            if column == "meta":
                words = set(value.split())
            chosen = sorted(words) if self._all_words else sorted(words, key=lambda word: (-len(word), word))
            terms += [f'{column} : "{word}"' for word in (chosen if self._all_words else chosen[:_SOME_WORDS])]
        for start in range(0, len(terms), _WORDS_AT_A_TIME):
            expression = " AND ".join(terms[start : start + _WORDS_AT_A_TIME])
            found = self._connection.execute(
                "SELECT 1 FROM search WHERE search MATCH ? AND rowid = ?", (expression, row)
            ).fetchone()
            if found is None:
                return False
        return True

    def _are_known(self, text: IndexText) -> bool:
        seen: set[str] = set()
        words = [word for column in word_columns(text) for word in new_words(column, seen)]
        if not self._all_words:
            words = sorted(words, key=lambda word: (-len(word), word))[:_SOME_WORDS]
        (known,) = self._connection.execute(
            "SELECT count(*) FROM json_each(?) j CROSS JOIN words w ON w.word = j.value", (ids(words),)
        ).fetchone()
        return bool(known == len(words))

    def _add(self, row: _Row, check: Check, what: str, remedy: Remedy) -> None:
        self._found[check].append(Damage(check, what, remedy, message_handle(row.key), row.locator))
