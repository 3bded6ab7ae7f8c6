"""Messages as search results show them: a page is four statements, however many rows it has."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence

from mailquery.domain.addresses import Address, Role
from mailquery.domain.messages import Attachment, Flag
from mailquery.repositories.records import MessageRow
from mailquery.repositories.sqlite.encoding import moment_of
from mailquery.repositories.sqlite.scope import Scope, ids

_MESSAGES = """
    SELECT m.id, m.key, m.thread, m.message_id, m.date, m.utc_offset, m.subject, m.size, m.preview
    FROM json_each(?) j CROSS JOIN messages m ON m.id = j.value
    ORDER BY j.key
"""
_PEOPLE = """
    SELECT mp.message, mp.role, p.name, p.address
    FROM json_each(?) j
    CROSS JOIN message_participants mp ON mp.message = j.value
    CROSS JOIN participants p ON p.id = mp.participant
    ORDER BY j.key, mp.role, mp.position
"""
_PLACEMENTS = """
    SELECT p.message, b.name, p.flags
    FROM json_each(?1) j
    CROSS JOIN placements p ON p.message = j.value
    CROSS JOIN mailboxes b ON b.id = p.mailbox
    WHERE ?2 IS NULL OR p.mailbox IN (SELECT value FROM json_each(?2))
"""
_ATTACHMENTS = """
    SELECT a.message, a.part, a.filename, a.type, a.size, a.inline, a.content_id
    FROM json_each(?) j CROSS JOIN attachments a ON a.message = j.value
    ORDER BY j.key, a.position
"""

People = dict[tuple[int, int], list[Address]]


def read_people(connection: sqlite3.Connection, rows: str) -> People:
    """Addresses by (message's row id, role). `rows` is a JSON array."""
    people: People = defaultdict(list)
    known: dict[tuple[str, str], Address] = {}
    for row, role, name, address in connection.execute(_PEOPLE, (rows,)):
        key = (name, address)
        if (found := known.get(key)) is None:
            found = known[key] = Address(name, address)
        people[row, role].append(found)
    return people


def attachment(part: str, filename: str, content_type: str, size: int, inline: int, content_id: str) -> Attachment:
    return Attachment(part, filename, content_type, size, bool(inline), content_id)


def read_rows(
    connection: sqlite3.Connection, rows: Sequence[int], scope: Scope, people: People | None = None
) -> tuple[MessageRow, ...]:
    """The messages with these row ids, in this order. The mailboxes and flags are those that the caller may see."""
    if not rows:
        return ()
    wanted = ids(rows)
    if people is None:
        people = read_people(connection, wanted)
    mailboxes: dict[int, set[str]] = defaultdict(set)
    flags: dict[int, int] = defaultdict(int)
    for row, name, placed in connection.execute(_PLACEMENTS, (wanted, scope.limit)):
        mailboxes[row].add(name)
        flags[row] |= placed
    attachments: dict[int, list[Attachment]] = defaultdict(list)
    for row, *columns in connection.execute(_ATTACHMENTS, (wanted,)):
        attachments[row].append(attachment(*columns))
    return tuple(
        MessageRow(
            row=row,
            key=key,
            thread_key=thread,
            message_id=message_id,
            date=moment_of(date),
            utc_offset=utc_offset,
            subject=subject,
            from_=tuple(people.get((row, Role.FROM), ())),
            to=(*people.get((row, Role.TO), ()), *people.get((row, Role.CC), ())),
            mailboxes=tuple(sorted(mailboxes.get(row, ()))),
            flags=Flag(flags.get(row, 0)),
            size=size,
            preview=preview,
            attachments=tuple(attachments.get(row, ())),
        )
        for row, key, thread, message_id, date, utc_offset, subject, size, preview in connection.execute(
            _MESSAGES, (wanted,)
        )
    )
