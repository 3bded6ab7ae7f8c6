"""Making good what was damaged: stored bytes by those of the same message from elsewhere, and what is derived of what
is stored by deriving it again."""

import sqlite3
from collections.abc import Iterable, Sequence

from mailquery.domain.mailboxes import over_all
from mailquery.repositories.compression import unpack_sections
from mailquery.repositories.prepared import PreparedMessage
from mailquery.repositories.sqlite.upkeep.message_checks import wrong_with_bytes
from mailquery.repositories.sqlite.upkeep.total_checks import check_vectors
from mailquery.repositories.sqlite.vectors import file as vector_file

_RAW = """
    SELECT m.sequence, r.frame, r.sha256, m.fingerprint, m.size
    FROM messages m LEFT JOIN raws r ON r.sequence = m.sequence WHERE m.fingerprint = ?
"""
_RECOUNT = (
    "UPDATE facts SET value = (SELECT count(*) FROM messages) WHERE name = 'messages'",
    "UPDATE facts SET value = (SELECT coalesce(max(id - date), 0) FROM messages) WHERE name = 'largest_shift'",
    """UPDATE mailboxes SET (messages, newest) = (
         SELECT count(*), max(m.date) FROM placements p CROSS JOIN messages m ON m.id = p.message
         WHERE p.mailbox = mailboxes.id AND p.flags & 128 = 0)""",
    """UPDATE accounts SET (messages, oldest, newest) = (
         SELECT count(*), min(m.date), max(m.date) FROM messages m
         WHERE EXISTS (SELECT 1 FROM placements p CROSS JOIN mailboxes b ON b.id = p.mailbox
                       WHERE p.message = m.id AND p.flags & 128 = 0 AND b.account = accounts.id))""",
    """UPDATE remote_mailboxes SET stored = (
         SELECT count(*) FROM remote_messages r
         WHERE r.mailbox = remote_mailboxes.mailbox AND r.validity = remote_mailboxes.uid_validity)""",
    """INSERT INTO threads (key, messages) SELECT thread, count(*) FROM messages WHERE true GROUP BY thread
       ON CONFLICT (key) DO UPDATE SET messages = excluded.messages""",
    """UPDATE threads SET messages = 0 WHERE messages <> 0
         AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.thread = threads.key)""",
    "DELETE FROM contents WHERE NOT EXISTS (SELECT 1 FROM attachments a WHERE a.content = contents.id)",
)
_CONTENTS = "SELECT id, sections FROM contents"
_FLAGS = """
    SELECT m.id, m.flags, p.flags FROM messages m JOIN placements p ON p.message = m.id ORDER BY m.id
"""


def intact(connection: sqlite3.Connection, fingerprints: Iterable[bytes]) -> set[bytes]:
    """Those of `fingerprints` whose messages are stored with the bytes that were imported."""
    return {each for each in set(fingerprints) if _damaged(connection, each) is None and _is_stored(connection, each)}


def mend_raws(connection: sqlite3.Connection, messages: Sequence[PreparedMessage]) -> int:
    """Stores the bytes of messages that are in the archive with damaged ones; how many those were."""
    mended = 0
    for message in messages:
        sequence = _damaged(connection, message.fingerprint)
        if sequence is not None:
            connection.execute(
                "INSERT OR REPLACE INTO raws VALUES (?, ?, ?)", (sequence, message.raw_sha256, message.raw)
            )
            connection.execute(
                "UPDATE messages SET size = ? WHERE sequence = ? AND size <> ?",
                (message.raw_size, sequence, message.raw_size),
            )
            mended += 1
    return mended


def _is_stored(connection: sqlite3.Connection, fingerprint: bytes) -> bool:
    return connection.execute("SELECT 1 FROM messages WHERE fingerprint = ?", (fingerprint,)).fetchone() is not None


def _damaged(connection: sqlite3.Connection, fingerprint: bytes) -> int | None:
    """The sequence of the message of this fingerprint, where its bytes are damaged."""
    row = connection.execute(_RAW, (fingerprint,)).fetchone()
    if row is None:
        return None
    sequence, *bytes_and_marks = row
    return int(sequence) if wrong_with_bytes(*bytes_and_marks) else None


def derive_again(connection: sqlite3.Connection) -> None:
    """Within the caller's transaction: counts and flags anew; vectors, and what was read in attachments, where they are
    damaged, for those who make them to begin anew."""
    for statement in _RECOUNT:
        connection.execute(statement)
    connection.executemany("UPDATE messages SET flags = ? WHERE id = ?", list(_other_flags(connection)))
    _give_up_contents(connection)
    if check_vectors(connection).damages:
        for table in ("vectors", "vector_blocks"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
        vector_file.discard(connection)
        connection.execute("UPDATE embedding SET model = '', through = 0, messages = 0, chunks = 0, emptied = 0")
    connection.execute("UPDATE policy SET generation = generation + 1")


def _other_flags(connection: sqlite3.Connection) -> Iterable[tuple[int, int]]:
    """Messages whose flags are not those of their placements, with those."""
    row, kept, placed = None, 0, list[int]()
    for each, flags, flags_there in connection.execute(_FLAGS):
        if each != row:
            if row is not None and over_all(placed) != kept:
                yield over_all(placed), row
            row, kept, placed = each, flags, []
        placed.append(flags_there)
    if row is not None and over_all(placed) != kept:
        yield over_all(placed), row


def _give_up_contents(connection: sqlite3.Connection) -> None:
    """Has attachments read again of which what was read is damaged."""
    damaged = [(content,) for content, sections in connection.execute(_CONTENTS) if not _can_be_unpacked(sections)]
    connection.executemany("UPDATE attachments SET content = NULL, pending = 1, given = 0 WHERE content = ?", damaged)
    connection.executemany("DELETE FROM contents WHERE id = ?", damaged)


def _can_be_unpacked(sections: bytes) -> bool:
    try:
        unpack_sections(sections)
    except (ValueError, TypeError):
        return False
    return True
