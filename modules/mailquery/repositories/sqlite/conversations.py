"""Threads as conversations between us and others."""

import json
import sqlite3
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from itertools import groupby
from typing import Any

from mailquery.domain.addresses import Role
from mailquery.domain.answers import Turn
from mailquery.domain.automatic import ANSWER_SUBJECTS, is_automatic_answer, is_automatic_sender
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import SpanKind
from mailquery.domain.ourselves import Ourselves
from mailquery.domain.queries import Query
from mailquery.repositories.compression import unpack_body
from mailquery.repositories.records import LastWord, Side, Turns, Visibility
from mailquery.repositories.sqlite.compile import compile_query
from mailquery.repositories.sqlite.encoding import first_second_from, from_lines, moment_of
from mailquery.repositories.sqlite.nodes import Condition
from mailquery.repositories.sqlite.people_index import PeopleIndex
from mailquery.repositories.sqlite.rows import read_people, read_rows
from mailquery.repositories.sqlite.scope import Scope, ids
from mailquery.repositories.sqlite.selection import Selection
from mcpkit.database.faults import storage_damaged
from mcpkit.database.sqlite import Database

_SENT = """
    WITH sent AS MATERIALIZED (
      SELECT b.account AS account, m.sender AS sender, count(DISTINCT m.id) AS messages
      FROM mailboxes b
      CROSS JOIN shown_placements l ON l.mailbox = b.id
      CROSS JOIN messages m INDEXED BY messages_facts ON m.id = l.message
      WHERE b.id IN (SELECT value FROM json_each(?))
      GROUP BY b.account, m.sender
    )
    SELECT a.name, p.folded_address, sum(s.messages)
    FROM sent s CROSS JOIN accounts a ON a.id = s.account CROSS JOIN participants p ON p.id = s.sender
    WHERE p.folded_address <> ''
    GROUP BY a.name, p.folded_address
"""
_OUR_PARTICIPANTS = """
    SELECT id FROM participants WHERE folded_address IN (SELECT value FROM json_each(?))
    UNION
    SELECT p.id FROM json_each(?) j
    CROSS JOIN domains d ON d.name = j.value OR substr(d.name, -length(j.value) - 1) = '.' || j.value
    CROSS JOIN participants p ON p.domain = d.id
"""

# A message that the caller sees, and that is no draft and no junk. `{m}` is its row.
_SEEN = "EXISTS (SELECT 1 FROM shown_placements v WHERE v.message = {m}.id {among})"
_NOT_UNSAID = """
    NOT EXISTS (SELECT 1 FROM placements v WHERE v.message = {m}.id
                AND (v.flags & 8 <> 0 OR +v.mailbox IN (SELECT value FROM json_each(?))) {among})
"""
_AMONG = "AND +v.mailbox IN (SELECT value FROM json_each(?))"
_NOT_IN_TRASH = """
    NOT EXISTS (SELECT 1 FROM placements v WHERE v.message = m.id
                AND +v.mailbox IN (SELECT value FROM json_each(?)))
"""
_LAST = """
    NOT EXISTS (SELECT 1 FROM messages x WHERE x.thread = m.thread AND x.date >= m.date
                AND (x.date > m.date OR x.id > m.id) AND {said} AND NOT {automatic})
"""
_WHICH_FROM_US = f"""
    SELECT w.message FROM message_participants w
    WHERE w.message IN (SELECT value FROM json_each(?)) AND w.role = {Role.FROM:d}
      AND +w.participant IN (SELECT value FROM json_each(?))
"""  # noqa: S608 - a number
_OUR_THREADS = f"""
    m.thread IN (
      SELECT o.thread FROM json_each(?) j
      CROSS JOIN message_participants w ON w.participant = j.value AND w.role = {Role.FROM:d}
      CROSS JOIN messages o INDEXED BY messages_facts ON o.id = w.message {{seen}})
"""  # noqa: S608 - a number
_TURNS = """
    SELECT m.thread, m.key, m.date, m.message_id, m.in_reply_to, m.refs, m.subject, m.list IS NOT NULL, m.id, m.sender
    FROM json_each(?) t CROSS JOIN messages m ON m.thread = t.value
    WHERE {said}
    ORDER BY m.thread, m.date, m.id
"""
_SENDERS = "SELECT id, folded_address FROM participants WHERE id IN (SELECT value FROM json_each(?))"

_FROM_US = f"""
    EXISTS (SELECT 1 FROM message_participants w WHERE w.message = m.id AND w.role = {Role.FROM:d}
            AND +w.participant IN (SELECT value FROM json_each(?)))
"""  # noqa: S608 - a number
_TO_US = f"""
    EXISTS (SELECT 1 FROM message_participants w WHERE w.message = m.id AND w.role = {Role.TO:d}
            AND +w.participant IN (SELECT value FROM json_each(?)))
"""  # noqa: S608 - a number
_TO_OTHERS = f"""
    EXISTS (SELECT 1 FROM message_participants w WHERE w.message = m.id
            AND w.role IN ({Role.TO:d}, {Role.CC:d}, {Role.BCC:d})
            AND +w.participant NOT IN (SELECT value FROM json_each(?)))
"""  # noqa: S608 - numbers
_IS_AUTOMATIC = "EXISTS (SELECT 1 FROM json_each(?) j WHERE instr(lower({m}.subject), j.value) = 1)"
_BODIES = """
    SELECT m.id, b.body FROM json_each(?) j
    CROSS JOIN messages m ON m.id = j.value CROSS JOIN bodies b ON b.sequence = m.sequence
"""


class SqliteConversations:
    """`ConversationRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._people = PeopleIndex()

    async def senders_of_sent(self, visible: Visibility) -> tuple[tuple[str, str, int], ...]:
        def read(connection: sqlite3.Connection) -> tuple[tuple[str, str, int], ...]:
            sent = Scope(connection, visible).with_role(MailboxRole.SENT)
            return tuple(connection.execute(_SENT, (ids(sent),)))

        return await self._database.read(read)

    async def turns(self, query: Query, visible: Visibility, ours: Ourselves, *, lists: bool, limit: int) -> Turns:
        def read(connection: sqlite3.Connection) -> Turns:
            scope = Scope(connection, visible, query)
            own = _participants(connection, ours)
            selection = compile_query(connection, query, scope, self._people)
            selection = selection.also(_in_our_threads(own, scope))
            hits, parameters = selection.sql(
                "{row}, m.thread, m.date", tail="ORDER BY {row} DESC LIMIT ?", facts="messages_facts"
            )
            found = connection.execute(hits, (*parameters, limit + 1)).fetchall()
            matching = {row for row, _, _ in found[:limit]}
            said, given = _said("m", scope)
            threads = ids({thread for _, thread, _ in found[:limit]})
            rows = connection.execute(_TURNS.format(said=said), (threads, *given)).fetchall()
            senders = dict(connection.execute(_SENDERS, (ids({row[-1] for row in rows if row[-1] is not None}),)))
            return Turns(
                threads=tuple(
                    tuple(_turn(row, senders, own, matching, lists=lists) for row in thread)
                    for _, thread in groupby(rows, key=lambda row: row[0])
                ),
                back_to=moment_of(found[limit - 1][2]) if len(found) > limit else None,
            )

        return await self._database.read(read)

    async def last_words(
        self,
        query: Query,
        visible: Visibility,
        ours: Ourselves,
        *,
        sides: Mapping[Side, datetime | None],
        limit: int,
        behind: int | None = None,
    ) -> tuple[LastWord, ...]:
        def read(connection: sqlite3.Connection) -> tuple[LastWord, ...]:
            scope = Scope(connection, visible, query)
            own = _participants(connection, ours)
            selection = compile_query(connection, query, scope, self._people)
            if behind is not None:
                selection = selection.also(Condition("{row} < ?", (behind,)))
            return _last_words(connection, scope, _waiting(selection, scope, own, sides), own, limit)

        try:
            return await self._database.read(read)
        except ValueError as error:
            raise storage_damaged(self._database.path, str(error)) from error


def _participants(connection: sqlite3.Connection, ours: Ourselves) -> frozenset[int]:
    given = json.dumps(sorted(ours.addresses)), json.dumps(sorted(ours.domains))
    return frozenset(row[0] for row in connection.execute(_OUR_PARTICIPANTS, given))


def _in_our_threads(own: Set[int], scope: Scope) -> Condition:
    if scope.limit is None:
        return Condition(_OUR_THREADS.format(seen=""), (ids(own),), needs_message=True)
    seen = f"WHERE {_SEEN.format(m='o', among=_AMONG)}"
    return Condition(_OUR_THREADS.format(seen=seen), (ids(own), scope.limit), needs_message=True)


def _said(row: str, scope: Scope) -> tuple[str, tuple[object, ...]]:
    """The condition that a message is a part of the conversation for this caller, and its parameters."""
    unsaid = ids([*scope.with_role(MailboxRole.DRAFTS), *scope.with_role(MailboxRole.JUNK)])
    if scope.limit is None:
        return _NOT_UNSAID.format(m=row, among=""), (unsaid,)
    within = _NOT_UNSAID.format(m=row, among=_AMONG)
    return f"{_SEEN.format(m=row, among=_AMONG)} AND {within}", (scope.limit, unsaid, scope.limit)


def _turn(row: Sequence[Any], senders: Mapping[int, str], own: Set[int], matching: Set[int], *, lists: bool) -> Turn:
    _, key, second, message_id, in_reply_to, references, subject, on_list, message, person = row
    sender = senders.get(person, "")
    automatic = not sender or is_automatic_sender(sender) or is_automatic_answer(subject)
    return Turn(
        key=key,
        second=second,
        sender=sender,
        ours=person in own,
        message_id=message_id,
        in_reply_to=from_lines(in_reply_to),
        references=from_lines(references),
        silent=automatic or (bool(on_list) and not lists),
        matches=message in matching,
    )


def _waiting(
    selection: Selection, scope: Scope, own: frozenset[int], sides: Mapping[Side, datetime | None]
) -> Selection:
    """What is selected, as far as it is the last word of its thread."""
    ours, automatic = ids(own), json.dumps(ANSWER_SUBJECTS)
    options, given = [], []
    for side, before in sides.items():
        sql = f"{_TO_US} AND NOT {_FROM_US}" if side is Side.US else f"{_FROM_US} AND {_TO_OTHERS}"
        options.append(f"({sql}{' AND m.date < ?' if before else ''})")
        given += [ours, ours, *([first_second_from(before)] if before else [])]
    said, of_said = _said("m", scope)
    later, of_later = _said("x", scope)
    trash = ids(scope.with_role(MailboxRole.TRASH))
    for sql, parameters in (
        (f"m.list IS NULL AND ({' OR '.join(options)})", given),
        (f"NOT {_IS_AUTOMATIC.format(m='m')}", (automatic,)),
        (said, of_said),
        (_NOT_IN_TRASH, (trash,)),
        (_LAST.format(said=later, automatic=_IS_AUTOMATIC.format(m="x")), (*of_later, automatic)),
    ):
        selection = selection.also(Condition(sql, tuple(parameters), needs_message=True))
    return selection


def _last_words(
    connection: sqlite3.Connection, scope: Scope, selection: Selection, own: frozenset[int], limit: int
) -> tuple[LastWord, ...]:
    sql, parameters = selection.sql(tail="ORDER BY {row} DESC LIMIT ?", facts="messages_facts")
    rows = [row for (row,) in connection.execute(sql, (*parameters, limit))]
    wanted = ids(rows)
    people = read_people(connection, wanted)
    from_us = {row for (row,) in connection.execute(_WHICH_FROM_US, (wanted, ids(own)))}
    texts = {row: unpack_body(body)[0].only(SpanKind.TEXT) for row, body in connection.execute(_BODIES, (wanted,))}
    return tuple(
        LastWord(
            row=message,
            side=Side.THEM if message.row in from_us else Side.US,
            to=tuple(people.get((message.row, Role.TO), ())),
            text=texts.get(message.row, ""),
        )
        for message in read_rows(connection, rows, scope, people)
    )
