"""Messages as search results show them: a page is four statements, however many rows it has."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from mailquery.domain.addresses import Address, Role
from mailquery.domain.mailboxes import over_all
from mailquery.domain.messages import Attachment, Flag
from mailquery.repositories.records import MessageRow
from mailquery.repositories.sqlite.encoding import moment_of
from mailquery.repositories.sqlite.scope import Scope, ids

# `IN` and the order of the primary key: so nothing has to be sorted.
_MESSAGES = """
    SELECT id, key, thread, message_id, date, utc_offset, subject, size, preview
    FROM messages WHERE id IN (SELECT value FROM json_each(?))
"""
_PEOPLE = """
    SELECT mp.message, mp.role, p.name, p.address
    FROM message_participants mp CROSS JOIN participants p ON p.id = mp.participant
    WHERE mp.message IN (SELECT value FROM json_each(?)) ORDER BY mp.message, mp.role, mp.position
"""
_PLACEMENTS = """
    SELECT p.message, b.name, p.flags
    FROM json_each(?1) j
    CROSS JOIN placements p ON p.message = j.value
    CROSS JOIN mailboxes b ON b.id = p.mailbox
    WHERE ?2 IS NULL OR p.mailbox IN (SELECT value FROM json_each(?2))
"""
_ATTACHMENTS = """
    SELECT message, part, filename, type, size, inline, content_id,
        coalesce((SELECT c.type FROM contents c WHERE c.id = attachments.content), '')
    FROM attachments WHERE message IN (SELECT value FROM json_each(?)) ORDER BY message, position
"""

_HIDDEN = int(Flag.HIDDEN)
_FROM, _TO, _CC = int(Role.FROM), int(Role.TO), int(Role.CC)

People = dict[tuple[int, int], list[Address]]

_flag = lru_cache(Flag)  # making one of an integer costs as much as the rest of a row


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


def attachment(
    part: str, filename: str, content_type: str, size: int, inline: int, content_id: str, found_type: str = ""
) -> Attachment:
    return Attachment(part, filename, content_type, size, bool(inline), content_id, found_type=found_type)


def read_rows(
    connection: sqlite3.Connection, rows: Sequence[int], scope: Scope, people: People | None = None
) -> tuple[MessageRow, ...]:
    """The messages with these row ids, in this order. The mailboxes and flags are those that the caller may see; of
    mailboxes in which a message is hidden, where it is so in all."""
    if not rows:
        return ()
    wanted = ids(rows)
    if people is None:
        people = read_people(connection, wanted)
    lying: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for row, name, flags in connection.execute(_PLACEMENTS, (wanted, scope.limit)):
        lying[row].append((name, flags))
    attachments: dict[int, list[Attachment]] = defaultdict(list)
    for row, *columns in connection.execute(_ATTACHMENTS, (wanted,)):
        attachments[row].append(attachment(*columns))
    made = {
        row: MessageRow(
            row=row,
            key=key,
            thread_key=thread,
            message_id=message_id,
            date=moment_of(date),
            utc_offset=utc_offset,
            subject=subject,
            from_=tuple(people.get((row, _FROM), ())),
            to=(*people.get((row, _TO), ()), *people.get((row, _CC), ())),
            mailboxes=_mailboxes(lying[row]),
            flags=_flag(over_all(flags for _, flags in lying[row])),
            size=size,
            preview=preview,
            attachments=tuple(attachments.get(row, ())),
        )
        for row, key, thread, message_id, date, utc_offset, subject, size, preview in connection.execute(
            _MESSAGES, (wanted,)
        )
    }
    return tuple(made[row] for row in rows)


def _mailboxes(lying: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    shown = {name for name, flags in lying if not flags & _HIDDEN}
    return tuple(sorted(shown or {name for name, _ in lying}))
