"""Taking messages out of the archive, as if they had never been there.

What a message shares with others stays: threads that it joined stay joined. Its row in the text index is taken out for
the text that the index was given (`index_rows`); where that is not known any more, its row id is kept from all others
until the index was made anew, and nothing is found by it.

What is deleted is overwritten with zeros in the database file. The log beside it is folded in later (a checkpoint), and
single words stand in older pieces of the index until those are merged: after a synchronisation where much has changed,
after the removal of an account, and when the index is made anew. What the file system and copies keep is beyond reach.
Of threads, their ids and hashes of Message-IDs stay.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from mailquery.domain.addresses import Role
from mailquery.repositories.sqlite.attachments.contents import contents_of, forget_unused
from mailquery.repositories.sqlite.counting import count
from mailquery.repositories.sqlite.index_removal import forget_words, indexes, is_in, take_out_of_indexes
from mailquery.repositories.sqlite.scope import ids
from mailquery.repositories.sqlite.tokens import domain_token, list_token, with_parents
from mailquery.repositories.sqlite.vectors import file as vector_file
from mailquery.repositories.sqlite.vectors.codes import BLOCK_CHUNKS

_CHUNK = 500  # messages that are read and taken out of the index at a time

_ROWS = "SELECT id, sequence, date, thread, list FROM messages WHERE id IN (SELECT value FROM json_each(?))"
_PARTICIPANTS = """
    SELECT DISTINCT participant FROM message_participants WHERE message IN (SELECT value FROM json_each(?))
"""
_PLACED = """
    SELECT message, mailbox FROM placements WHERE message IN (SELECT value FROM json_each(?)) AND flags & 128 = 0
"""
_OF_MESSAGE = (
    "remote_messages",
    "partial_messages",
    "message_aliases",
    "withheld",
    "problems",
    "placements",
    "attachments",
    "repeated_recipients",
    "message_participants",
)
_OF_SEQUENCE = ("bodies", "raws", "vectors")
_UNUSED_PARTICIPANTS = """
    SELECT p.id, p.folded_address FROM json_each(?) j CROSS JOIN participants p ON p.id = j.value
    WHERE NOT EXISTS (SELECT 1 FROM message_participants w WHERE w.participant = p.id)
"""


@dataclass(frozen=True, slots=True)
class _Going:
    """A message that is taken out."""

    row: int
    sequence: int
    date: int
    thread: int
    list: int | None


def remove(connection: sqlite3.Connection, rows: Iterable[int]) -> int:
    """Takes the messages with these row ids out, within the caller's transaction; how many there were."""
    given = sorted(set(rows))
    removed = 0
    with overwriting(connection):
        for start in range(0, len(given), _CHUNK):
            removed += _remove(connection, given[start : start + _CHUNK])
        if removed:
            connection.execute("UPDATE facts SET value = value + 1 WHERE name = 'removals'")
            # Rankings that were kept for later pages name messages that are no more.
            connection.execute("UPDATE policy SET generation = generation + 1")
    return removed


@contextmanager
def overwriting(connection: sqlite3.Connection) -> Iterator[None]:
    """What is deleted meanwhile is overwritten with zeros."""
    connection.execute("PRAGMA secure_delete = ON").fetchone()
    try:
        yield
    finally:
        connection.execute("PRAGMA secure_delete = OFF").fetchone()


def _remove(connection: sqlite3.Connection, rows: Sequence[int]) -> int:
    going = [_Going(*row) for row in connection.execute(_ROWS, (ids(rows),))]
    if not going:
        return 0
    wanted = ids(message.row for message in going)
    people = [person for (person,) in connection.execute(_PARTICIPANTS, (wanted,))]
    texts, _ = take_out_of_indexes(connection, [message.row for message in going])
    _count_down(connection, going, wanted)
    empty_chunks(connection, [message.sequence for message in going])
    contents = contents_of(connection, [message.row for message in going])
    for table in _OF_MESSAGE:
        connection.execute(f"DELETE FROM {table} WHERE message IN (SELECT value FROM json_each(?))", (wanted,))  # noqa: S608 - names of ours
    forget_unused(connection, contents)
    sequences = ids(message.sequence for message in going)
    for table in _OF_SEQUENCE:
        connection.execute(f"DELETE FROM {table} WHERE sequence IN (SELECT value FROM json_each(?))", (sequences,))  # noqa: S608 - names of ours
    connection.execute("DELETE FROM messages WHERE id IN (SELECT value FROM json_each(?))", (wanted,))
    if connection.execute("SELECT 1 FROM messages LIMIT 1").fetchone() is None:
        _empty_index(connection)
    for tables in indexes(connection):
        forget_words(connection, tables, texts)
    _forget_people(connection, people)
    _forget_lists(connection, {message.list for message in going if message.list is not None})
    return len(going)


def _count_down(connection: sqlite3.Connection, going: Sequence[_Going], wanted: str) -> None:
    placed = set(connection.execute(_PLACED, (wanted,)).fetchall())
    account_of: dict[int, int] = dict(connection.execute("SELECT id, account FROM mailboxes"))
    # Before the counts look at what is left.
    connection.execute("DELETE FROM placements WHERE message IN (SELECT value FROM json_each(?))", (wanted,))
    count(connection, placed, set(), {message.row: message.date for message in going}, account_of)
    connection.executemany(
        "UPDATE threads SET messages = messages - 1 WHERE key = ?", [(message.thread,) for message in going]
    )
    connection.execute("UPDATE facts SET value = value - ? WHERE name = 'messages'", (len(going),))
    connection.execute(
        "UPDATE facts SET value = max(value, ?) WHERE name = 'last_sequence'",
        (max(message.sequence for message in going),),
    )


def empty_chunks(connection: sqlite3.Connection, sequences: Sequence[int]) -> None:
    """Overwrites the signs of the messages' vectors, and what the file of vectors has of them. Their places stay:
    readers keep the blocks in memory, and look for further ones alone."""
    model, through, first_block = connection.execute("SELECT model, through, first_block FROM embedding").fetchone()
    if not model:
        return
    import numpy as np

    wanted = np.array(sequences, np.uint32)
    emptied: list[int] = []  # places
    for block, packed in connection.execute("SELECT block, sequences FROM vector_blocks").fetchall():
        numbers = np.frombuffer(packed, "<u4").copy()
        found = np.isin(numbers, wanted)
        if not found.any():
            continue
        (codes,) = connection.execute("SELECT codes FROM vector_blocks WHERE block = ?", (block,)).fetchone()
        kept = np.frombuffer(codes, np.uint8).reshape(len(numbers), -1).copy()
        numbers[found] = 0
        kept[found] = 0
        connection.execute(
            "UPDATE vector_blocks SET sequences = ?, codes = ? WHERE block = ?",
            (numbers.astype("<u4").tobytes(), kept.tobytes(), block),
        )
        if block >= first_block:
            emptied += ((block - first_block) * BLOCK_CHUNKS + np.flatnonzero(found)).tolist()
    if emptied:
        vector_file.erase(connection, first_block, emptied)
    connection.execute(
        "UPDATE embedding SET messages = messages - ?, emptied = emptied + ?",
        (sum(sequence <= through for sequence in sequences), len(emptied)),
    )


def _forget_people(connection: sqlite3.Connection, people: Sequence[int]) -> None:
    """Takes out participants that no message names any more, and empties the names of domains that none has."""
    unused = connection.execute(_UNUSED_PARTICIPANTS, (ids(people),)).fetchall()
    connection.executemany("DELETE FROM participants WHERE id = ?", [(person,) for person, _ in unused])
    domains = {name for _, address in unused for name in with_parents(address.rpartition("@")[2])}
    for (number,) in connection.execute(
        "SELECT id FROM domains WHERE name IN (SELECT value FROM json_each(?))", (ids(domains),)
    ).fetchall():
        tokens = " OR ".join(f'"{token}"' for token in dict.fromkeys(domain_token(role, number) for role in Role))
        if not _is_used(connection, f"meta : ({tokens})"):
            # A row that is referred to by none is left: to delete it would look through all that might refer to it.
            connection.execute("UPDATE OR IGNORE domains SET name = ? WHERE id = ?", (_emptied(number), number))


def _forget_lists(connection: sqlite3.Connection, lists: Iterable[int]) -> None:
    for number in lists:
        if not _is_used(connection, f'meta : "{list_token(number)}"'):
            connection.execute(
                "UPDATE OR IGNORE lists SET name = ?, folded = '' WHERE id = ?", (_emptied(number), number)
            )


def _is_used(connection: sqlite3.Connection, expression: str) -> bool:
    return any(is_in(connection, tables, expression) for tables in indexes(connection))


def _emptied(number: int) -> str:
    return f"REMOVED {number}"


def _empty_index(connection: sqlite3.Connection) -> None:
    """Where no message is left, nothing of the index is."""
    for tables in indexes(connection):
        connection.execute(f"INSERT INTO {tables.search} ({tables.search}) VALUES ('delete-all')")  # noqa: S608 - names of ours
        for table in (tables.words, tables.indexed, tables.removed):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of ours
    connection.execute("DELETE FROM crowded_ids")
    connection.execute("UPDATE facts SET value = 0 WHERE name = 'largest_shift'")
