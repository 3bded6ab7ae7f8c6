"""Messages of which only the header and the text parts are stored, and what is stored in their place."""

import sqlite3
from collections.abc import Sequence

from mailquery.domain.identity import header_mark
from mailquery.domain.messages import ProblemCode
from mailquery.repositories.compression import decompress
from mailquery.repositories.prepared import PreparedMessage
from mailquery.repositories.sqlite.batch import Batch, next_sequence, stored
from mailquery.repositories.sqlite.counting import Key
from mailquery.repositories.sqlite.holding import settle_rows
from mailquery.repositories.sqlite.index_removal import take_out_of_indexes
from mailquery.repositories.sqlite.index_rows import CURRENT
from mailquery.repositories.sqlite.removal import empty_chunks, overwriting, remove
from mailquery.repositories.sqlite.row_ids import RowIds
from mailquery.repositories.sqlite.threads import message_id_hash
from mailquery.repositories.synchronising import Whereabouts
from mcpkit.errors import ErrorCode, Fault

_WHEREABOUTS = """
    SELECT a.name, b.remote_key, r.validity, r.uid
    FROM message_keys k
    CROSS JOIN partial_messages p ON p.message = k.message
    CROSS JOIN remote_messages r ON r.message = k.message
    CROSS JOIN remote_mailboxes b ON b.mailbox = r.mailbox AND b.uid_validity = r.validity
    CROSS JOIN mailboxes x ON x.id = r.mailbox
    CROSS JOIN accounts a ON a.id = x.account
    WHERE k.key = ? ORDER BY a.name, x.name, r.uid
"""
_PARTIAL = """
    SELECT m.id, m.date, m.sequence, m.key, EXISTS (SELECT 1 FROM partial_messages p WHERE p.message = m.id)
    FROM messages m WHERE m.id = (SELECT k.message FROM message_keys k WHERE k.key = ?)
"""
_PARTIAL_OF_ID = """
    SELECT m.key, r.frame FROM messages m
    CROSS JOIN partial_messages p ON p.message = m.id
    CROSS JOIN raws r ON r.sequence = m.sequence
    WHERE m.message_id_hash = ? AND m.message_id = ?
"""
_OF_MESSAGE = (
    "message_participants",
    "repeated_recipients",
    "attachments",
    "placements",
    "problems",
    "withheld",
    "remote_messages",
    "partial_messages",
    "message_aliases",
)


def find_whereabouts(connection: sqlite3.Connection, key: int) -> tuple[Whereabouts, ...]:
    return tuple(Whereabouts(*row) for row in connection.execute(_WHEREABOUTS, (key,)))


def complete_from(connection: sqlite3.Connection, batch: Batch, messages: Sequence[PreparedMessage]) -> None:
    """Of messages that come in whole, as by an import: each takes the place of the one of which a part is stored, which
    has the same Message-ID and the same header."""
    if connection.execute("SELECT 1 FROM partial_messages LIMIT 1").fetchone() is None:
        return
    for message in messages:
        parsed = message.parsed
        if not parsed.message_id or any(problem.code is ProblemCode.NOT_FETCHED for problem in parsed.problems):
            continue
        found = connection.execute(_PARTIAL_OF_ID, (message_id_hash(parsed.message_id), parsed.message_id)).fetchall()
        mark = header_mark(decompress(message.raw)) if found else b""
        for key, frame in found:
            if header_mark(decompress(frame)) == mark:
                complete(connection, batch, key, message)


def complete(connection: sqlite3.Connection, batch: Batch, key: int, message: PreparedMessage) -> None:
    """As `PartialRepository.complete`, within the caller's transaction."""
    found = connection.execute(_PARTIAL, (key,)).fetchone()
    if found is None:
        raise Fault(ErrorCode.NOT_FOUND, "The message is in the archive no more.")
    row, date, sequence, own_key, is_partial = found
    if not is_partial:
        raise Fault(ErrorCode.CONFLICT, "The message is stored whole already.")
    with overwriting(connection):
        whole = stored(connection, [message.fingerprint]).get(message.fingerprint)
        if whole is not None and whole.row != row:
            _join(connection, batch, (row, own_key), whole.row)
        else:
            _replace(connection, batch, row, date, sequence, message)
    # Rankings, and what is remembered of participants, are of before.
    connection.execute("UPDATE policy SET generation = generation + 1")
    connection.execute("UPDATE facts SET value = value + 1 WHERE name = 'removals'")


def _join(connection: sqlite3.Connection, batch: Batch, partial: tuple[int, int], whole: int) -> None:
    """The whole message is stored already, as by an import: it lies where the partial one lay, and goes by its id
    too."""
    row, key = partial
    imported: dict[Key, int] = {
        (whole, mailbox): flags
        for mailbox, flags in connection.execute(
            "SELECT mailbox, flags FROM placements WHERE message = ? AND imported", (row,)
        )
    }
    for table in ("remote_messages", "message_aliases"):
        connection.execute(f"UPDATE {table} SET message = ? WHERE message = ?", (whole, row))  # noqa: S608 - names of ours
    remove(connection, [row])
    connection.execute("INSERT INTO message_aliases (key, message) VALUES (?, ?)", (key, whole))
    connection.execute("DELETE FROM partial_messages WHERE message = ?", (whole,))
    kept = dict(
        connection.execute("SELECT mailbox, flags FROM placements WHERE message = ? AND imported", (whole,)).fetchall()
    )
    imported = {(each, box): kept.get(box, flags) for (each, box), flags in imported.items()}
    batch.judge(settle_rows(connection, [whole], imported=imported).moved, set())


def _replace(
    connection: sqlite3.Connection, batch: Batch, row: int, date: int, sequence: int, message: PreparedMessage
) -> None:
    _, left = take_out_of_indexes(connection, [row])
    if left:
        row = move(connection, row, date)
    # With a sequence of its own it is embedded again, as what was added last.
    fresh = next_sequence(connection)
    empty_chunks(connection, [sequence])
    connection.execute("DELETE FROM vectors WHERE sequence = ?", (sequence,))
    connection.execute(
        "UPDATE messages SET sequence = ?, size = ?, fingerprint = ? WHERE id = ?",
        (fresh, message.raw_size, message.fingerprint, row),
    )
    connection.execute("UPDATE bodies SET sequence = ? WHERE sequence = ?", (fresh, sequence))
    connection.execute("DELETE FROM raws WHERE sequence = ?", (sequence,))
    connection.execute("INSERT INTO raws VALUES (?, ?, ?)", (fresh, message.raw_sha256, message.raw))
    connection.execute("DELETE FROM partial_messages WHERE message = ?", (row,))
    connection.execute("DELETE FROM problems WHERE message = ?", (row,))
    # Where the index is half made anew, it had the message as it was.
    connection.execute("DELETE FROM facts WHERE name = 'rebuilt_form'")
    batch.rewrite([(fresh, message)], CURRENT)


def move(connection: sqlite3.Connection, row: int, date: int) -> int:
    """Gives the message another row id: words that could not be taken out of the index are left under the old one."""
    ids = RowIds(connection)
    fresh = ids.take(date)
    connection.execute("PRAGMA defer_foreign_keys = ON")  # until the transaction ends
    connection.execute("UPDATE messages SET id = ? WHERE id = ?", (fresh, row))
    for table in _OF_MESSAGE:
        connection.execute(f"UPDATE {table} SET message = ? WHERE message = ?", (fresh, row))  # noqa: S608 - names of ours
    connection.execute("UPDATE facts SET value = max(value, ?) WHERE name = 'largest_shift'", (ids.largest_shift,))
    return fresh
