"""What can be said of an archive as a whole: counts against what they count, the index, attachments, vectors."""

import sqlite3
from collections.abc import Iterator

from mailquery.repositories.compression import unpack_sections
from mailquery.repositories.sqlite.vectors.codes import BLOCK_CHUNKS, State
from mailquery.repositories.verifying import Check, Damage, Examined, Remedy

_COUNTS = (
    (
        "the number of messages",
        "SELECT 1 FROM facts WHERE name = 'messages' AND value <> (SELECT count(*) FROM messages)",
    ),
    (
        "the numbers of messages of mailboxes",
        "SELECT 1 FROM mailboxes b WHERE b.messages <>"
        " (SELECT count(*) FROM placements p WHERE p.mailbox = b.id AND p.flags & 128 = 0) LIMIT 1",
    ),
    (
        "the numbers of messages of accounts",
        "SELECT 1 FROM accounts a WHERE a.messages <>"
        # Not counted by DISTINCT, which would hold every message in memory.
        " (SELECT count(*) FROM messages m WHERE EXISTS (SELECT 1 FROM placements p"
        " CROSS JOIN mailboxes b ON b.id = p.mailbox"
        " WHERE p.message = m.id AND p.flags & 128 = 0 AND b.account = a.id)) LIMIT 1",
    ),
    (
        "the numbers of messages of conversations",
        "SELECT 1 FROM (SELECT thread, count(*) AS found FROM messages GROUP BY thread) m"
        " LEFT JOIN threads t ON t.key = m.thread WHERE t.messages IS NOT m.found LIMIT 1",
    ),
    (
        "the numbers of messages known of mail servers",
        "SELECT 1 FROM remote_mailboxes b WHERE b.stored <> (SELECT count(*) FROM remote_messages r"
        " WHERE r.mailbox = b.mailbox AND r.validity = b.uid_validity) LIMIT 1",
    ),
)
_ORPHANS = (
    ("bytes", "SELECT count(*) FROM raws t WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.sequence = t.sequence)"),
    (
        "texts",
        "SELECT count(*) FROM bodies t WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.sequence = t.sequence)",
    ),
)
_STRANGERS = """
    SELECT count(*) FROM search_docsize d
    WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = d.id)
      AND NOT EXISTS (SELECT 1 FROM removed r WHERE r.id = d.id)
"""
_CONTENTS = "SELECT id, sections FROM contents"
_UNREAD = """
    SELECT count(*) FROM contents c WHERE NOT EXISTS (SELECT 1 FROM attachments a WHERE a.content = c.id)
"""
_WITHOUT_VECTORS = """
    SELECT count(*) FROM messages m
    WHERE m.sequence <= ?1 AND NOT EXISTS (SELECT 1 FROM vectors v WHERE v.sequence = m.sequence)
"""
_OTHER_LENGTHS = "SELECT count(*) FROM vectors WHERE sequence <= ?1 AND length(vectors) % max(1, ?2) <> 0"
_CHUNKS_OF_MESSAGES = """
    SELECT coalesce(sum(length(v.vectors)), 0) FROM vectors v CROSS JOIN messages m ON m.sequence = v.sequence
    WHERE v.sequence <= ?
"""
_BLOCKS = "SELECT block, chunks, length(sequences), length(codes) FROM vector_blocks WHERE block >= ? ORDER BY block"


def check_counts(connection: sqlite3.Connection) -> Examined:
    damages = [
        Damage(Check.COUNTS, f"{what} are not right" if "numbers" in what else f"{what} is not right", Remedy.REINDEX)
        for what, sql in _COUNTS
        if connection.execute(sql).fetchone()
    ]
    for what, sql in _ORPHANS:
        (found,) = connection.execute(sql).fetchone()
        if found:
            damages.append(
                Damage(Check.COUNTS, f"there are {what} of {found:,} messages that are not there", Remedy.RESTORE)
            )
    return Examined(Check.COUNTS, len(_COUNTS) + len(_ORPHANS), damages)


def check_index(connection: sqlite3.Connection) -> Examined:
    """Every word that the index has is read: together they must be as many as were put in."""
    damages = []
    try:
        (strangers,) = connection.execute(_STRANGERS).fetchone()
        if strangers:
            what = f"it has words of {strangers:,} messages that are not there"
            damages.append(Damage(Check.INDEX, what, Remedy.REINDEX))
        connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.index_terms USING fts5vocab (main, search, row)")
        (found,) = connection.execute("SELECT coalesce(sum(cnt), 0) FROM temp.index_terms").fetchone()
        given = sum(sum(_numbers(sizes)) for (sizes,) in connection.execute("SELECT sz FROM search_docsize"))
        if found != given:
            damages.append(Damage(Check.INDEX, f"it has {found:,} words, and {given:,} were put in", Remedy.REINDEX))
    except (sqlite3.DatabaseError, ValueError) as error:
        damages.append(Damage(Check.INDEX, f"it cannot be read ({error})", Remedy.REINDEX))
    return Examined(Check.INDEX, 0, damages)


def check_attachments(connection: sqlite3.Connection) -> Examined:
    count, damages = 0, []
    for content, sections in connection.execute(_CONTENTS):
        count += 1
        try:
            unpack_sections(sections)
        except (ValueError, TypeError):
            what = f"what was read in an attachment (content {content}) cannot be read"
            damages.append(Damage(Check.ATTACHMENTS, what, Remedy.REINDEX))
    (unused,) = connection.execute(_UNREAD).fetchone()
    if unused:
        what = f"there are texts of {unused:,} attachments that are not there"
        damages.append(Damage(Check.ATTACHMENTS, what, Remedy.REINDEX))
    return Examined(Check.ATTACHMENTS, count, damages)


def check_vectors(connection: sqlite3.Connection) -> Examined:
    state = State.read(connection)
    if not state.model:
        return Examined(Check.VECTORS, 0)
    damages = [Damage(Check.VECTORS, what, Remedy.REINDEX) for what in _wrong_with_vectors(connection, state)]
    return Examined(Check.VECTORS, state.messages, damages)


def _wrong_with_vectors(connection: sqlite3.Connection, state: State) -> Iterator[str]:
    (without,) = connection.execute(_WITHOUT_VECTORS, (state.through,)).fetchone()
    if without:
        yield f"{without:,} messages have none"
    (wrong,) = connection.execute(_OTHER_LENGTHS, (state.through, state.dimensions)).fetchone()
    if wrong:
        yield f"those of {wrong:,} messages have another length"
    chunks, width = 0, -(-state.dimensions // 64) * 8
    for _, in_block, sequences, codes in connection.execute(_BLOCKS, (state.first_block,)):
        chunks += in_block
        if in_block > BLOCK_CHUNKS or sequences != 4 * in_block or codes != width * in_block:
            yield "a block of signs has another length"
    if chunks != state.chunks:
        yield f"{chunks:,} signs are stored, and {state.chunks:,} were put in"
    (size,) = connection.execute(_CHUNKS_OF_MESSAGES, (state.through,)).fetchone()
    if not wrong and not without and size != state.dimensions * (state.chunks - state.emptied):
        yield "there are more or fewer of them than signs"


def _numbers(packed: bytes) -> Iterator[int]:
    """SQLite's variable-length integers: 7 bits a byte, the highest first; a ninth byte has 8."""
    number = taken = 0
    for byte in packed:
        taken += 1
        if taken == 9:
            yield number << 8 | byte
            number = taken = 0
        elif byte & 0x80:
            number = number << 7 | byte & 0x7F
        else:
            yield number << 7 | byte
            number = taken = 0
    if taken:
        raise ValueError("a number without an end")
