"""Accounts, mailboxes, people, recorded problems, and the archive's version."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from mailquery.domain.accounts import AccountState
from mailquery.domain.addresses import Role
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Problem, ProblemCode
from mailquery.domain.words import INDEX_FORM, fold
from mailquery.repositories.records import (
    AccountSummary,
    MailboxSummary,
    Person,
    RecordedProblem,
    Total,
    Version,
    Visibility,
)
from mailquery.repositories.sqlite.encoding import moment_of, optional_moment
from mailquery.repositories.sqlite.policy_state import State
from mailquery.repositories.sqlite.scope import Scope
from mcpkit.database.sqlite import Database

# ?1 is a JSON array of account names, or NULL for all of them.
_ACCOUNTS = """
    SELECT a.name, count(b.id), a.messages, a.oldest, a.newest, max(b.refreshed),
      (SELECT count(*) FROM (
         SELECT DISTINCT p.message FROM mailboxes ub CROSS JOIN placements p ON p.mailbox = ub.id
         WHERE ub.account = a.id AND p.flags & 129 = 0
           AND NOT EXISTS (SELECT 1 FROM placements s JOIN mailboxes sb ON sb.id = s.mailbox
                           WHERE s.message = p.message AND sb.account = a.id AND s.flags & 1 <> 0))),
      r.state, r.state_reason
    FROM accounts a LEFT JOIN mailboxes b ON b.account = a.id LEFT JOIN mail_accounts r ON r.account = a.id
    WHERE ?1 IS NULL OR a.name IN (SELECT value FROM json_each(?1))
    GROUP BY a.id ORDER BY a.name
"""
_MAILBOXES = """
    SELECT a.name, b.name, b.role, b.messages, b.newest, b.refreshed,
      (SELECT count(*) FROM placements p WHERE p.mailbox = b.id AND p.flags & 129 = 0)
    FROM mailboxes b JOIN accounts a ON a.id = b.account
    WHERE (?1 IS NULL OR a.name IN (SELECT value FROM json_each(?1))) AND (?2 IS NULL OR a.name = ?2)
    ORDER BY a.name, b.name
"""
_VERSION = """
    SELECT (SELECT coalesce(max(sequence), 0) FROM messages),
           (SELECT value FROM facts WHERE name = 'messages'),
           (SELECT max(date) FROM (SELECT max(newest) AS date FROM accounts)),
           (SELECT max(refreshed) FROM mailboxes)
"""
# What takes longer than some look-ups.
_ANY_TO_COUNT = """
    SELECT (SELECT fingerprint <> '' FROM policy)
        OR EXISTS (SELECT 1 FROM messages INDEXED BY messages_hidden WHERE flags & 128 <> 0)
"""
_VERSION_OF_ACCOUNTS = """
    SELECT (SELECT coalesce(max(sequence), 0) FROM messages), sum(a.messages), max(a.newest),
           (SELECT max(b.refreshed) FROM mailboxes b JOIN accounts ba ON ba.id = b.account
            WHERE ba.name IN (SELECT value FROM json_each(?1))), count(*)
    FROM accounts a WHERE a.name IN (SELECT value FROM json_each(?1))
"""
# Where the index was begun before its form was recorded, there is none.
_INDEX_FORM = """
    SELECT (SELECT value FROM facts WHERE name = 'index_form'),
           EXISTS (SELECT 1 FROM messages)
"""
_DISTINCT_MESSAGES = """
    SELECT count(DISTINCT message) FROM placements
    WHERE mailbox IN (SELECT value FROM json_each(?)) AND flags & 128 = 0
"""
# Of those that see everything, and of the rest; ?1 is a JSON array of the caller's mailboxes. What is withheld is not
# counted.
_HIDDEN = """
    SELECT count(*) FROM messages INDEXED BY messages_hidden
    WHERE flags & 128 <> 0 AND id NOT IN (SELECT message FROM withheld)
"""
_HIDDEN_IN_SCOPE = """
    SELECT count(*)
    FROM (SELECT DISTINCT p.message AS message FROM json_each(?1) j
          CROSS JOIN placements p INDEXED BY placements_hidden ON p.mailbox = j.value AND p.flags & 128 <> 0) h
    WHERE h.message NOT IN (SELECT message FROM withheld)
      AND NOT EXISTS (SELECT 1 FROM placements v WHERE v.message = h.message AND v.flags & 128 = 0
                      AND +v.mailbox IN (SELECT value FROM json_each(?1)))
"""

# The same under a policy, where only the caller's mailboxes (?1, a JSON array of ids) and what is shown of them count.
_SHOWN_ACCOUNTS = """
    WITH placed AS MATERIALIZED (
      SELECT b.account AS account, p.message AS message, max(p.flags & 1) AS seen
      FROM mailboxes b CROSS JOIN found_placements p ON p.mailbox = b.id
      WHERE b.id IN (SELECT value FROM json_each(?1)) GROUP BY b.account, p.message
    ),
    counted AS MATERIALIZED (
      SELECT x.account AS account, count(*) AS messages, min(m.date) AS oldest, max(m.date) AS newest,
             sum(NOT x.seen) AS unread
      FROM placed x CROSS JOIN messages m INDEXED BY messages_facts ON m.id = x.message GROUP BY x.account
    )
    SELECT a.name, count(*), coalesce(c.messages, 0), c.oldest, c.newest, max(b.refreshed), coalesce(c.unread, 0),
      r.state, r.state_reason
    FROM accounts a CROSS JOIN mailboxes b ON b.account = a.id LEFT JOIN counted c ON c.account = a.id
    LEFT JOIN mail_accounts r ON r.account = a.id
    WHERE b.id IN (SELECT value FROM json_each(?1))
    GROUP BY a.id ORDER BY a.name
"""
_SHOWN_MAILBOXES = """
    WITH counted AS MATERIALIZED (
      SELECT p.mailbox AS mailbox, count(*) AS messages, max(m.date) AS newest, sum(p.flags & 1 = 0) AS unread
      FROM json_each(?1) j CROSS JOIN found_placements p ON p.mailbox = j.value
      CROSS JOIN messages m INDEXED BY messages_facts ON m.id = p.message GROUP BY p.mailbox
    )
    SELECT a.name, b.name, b.role, coalesce(c.messages, 0), c.newest, b.refreshed, coalesce(c.unread, 0)
    FROM mailboxes b JOIN accounts a ON a.id = b.account LEFT JOIN counted c ON c.mailbox = b.id
    WHERE b.id IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR a.name = ?2)
    ORDER BY a.name, b.name
"""
# A message that lies in a withheld mailbox is withheld: what is left is what the others hold.
_SHOWN_VERSION = """
    SELECT (SELECT value FROM facts WHERE name = 'messages') - (SELECT count(*) FROM withheld),
           (SELECT m.date FROM messages m WHERE m.id NOT IN (SELECT message FROM withheld) AND m.flags & 128 = 0
            ORDER BY m.id DESC LIMIT 1)
"""
_NEWEST_FROM = """
    SELECT max(m.date) FROM messages m
    WHERE m.id >= ? AND m.id NOT IN (SELECT message FROM withheld) AND m.flags & 128 = 0
"""
_SHOWN_VERSION_OF_MAILBOXES = """
    SELECT count(*), max(m.date)
    FROM (SELECT DISTINCT p.message AS message
          FROM json_each(?1) j CROSS JOIN found_placements p ON p.mailbox = j.value)
    CROSS JOIN messages m INDEXED BY messages_facts ON m.id = message
"""
_SEQUENCE_AND_REFRESHED = """
    SELECT (SELECT coalesce(max(sequence), 0) FROM messages),
           (SELECT max(refreshed) FROM mailboxes WHERE id IN (SELECT value FROM json_each(?)))
"""

_PEOPLE = """
    WITH found AS MATERIALIZED (
      SELECT DISTINCT folded_address FROM participants
      WHERE folded_address <> '' AND (instr(folded_address, ?1) OR instr(folded_name, ?1))
    ),
    seen AS MATERIALIZED (
      SELECT p.folded_address AS address, w.message AS message,
             max(w.role = ?3) AS sent, max(w.role IN (SELECT value FROM json_each(?4))) AS received
      FROM found f
      CROSS JOIN participants p ON p.folded_address = f.folded_address
      CROSS JOIN message_participants w ON w.participant = p.id
      WHERE ?2 IS NULL OR EXISTS (SELECT 1 FROM found_placements v WHERE v.message = w.message
                                  AND v.mailbox IN (SELECT value FROM json_each(?2)))
      GROUP BY p.folded_address, w.message
    )
    SELECT s.address, sum(s.sent), sum(s.received), min(m.date), max(m.date), count(*) OVER ()
    FROM seen s CROSS JOIN messages m ON m.id = s.message
    GROUP BY s.address ORDER BY sum(s.sent) + sum(s.received) DESC, s.address LIMIT ?5
"""
_SPELLINGS = """
    SELECT p.name, p.address, count(*)
    FROM participants p CROSS JOIN message_participants w ON w.participant = p.id
    WHERE p.folded_address = ?1
      AND (?2 IS NULL OR EXISTS (SELECT 1 FROM found_placements v WHERE v.message = w.message
                                 AND v.mailbox IN (SELECT value FROM json_each(?2))))
    GROUP BY p.id ORDER BY count(*) DESC, p.id
"""
_PROBLEMS = """
    SELECT m.key, p.locator, p.code, p.detail, p.recorded
    FROM problems p LEFT JOIN messages m ON m.id = p.message {shown}
    ORDER BY p.id DESC LIMIT ? OFFSET ?
"""
# Under a policy, places where no message could be read are not told either: they may be named by what is withheld.
_OF_SHOWN = "WHERE p.message NOT IN (SELECT message FROM withheld)"


class SqliteDirectory:
    """`DirectoryRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accounts(self, visible: Visibility) -> tuple[AccountSummary, ...]:
        def read(connection: sqlite3.Connection) -> list[Any]:
            scope = Scope(connection, visible)
            if scope.policy.withholds:
                return connection.execute(_SHOWN_ACCOUNTS, (scope.limit,)).fetchall()
            return connection.execute(_ACCOUNTS, (_names(visible),)).fetchall()

        rows = await self._database.read(read)
        return tuple(
            AccountSummary(
                name=name,
                mailboxes=mailboxes,
                messages=messages,
                unread=unread,
                oldest=optional_moment(oldest),
                newest=optional_moment(newest),
                refreshed=optional_moment(refreshed),
                state=None if state is None else AccountState(state),
                state_reason=reason or "",
            )
            for name, mailboxes, messages, oldest, newest, refreshed, unread, state, reason in rows
        )

    async def mailboxes(self, visible: Visibility, account: str | None = None) -> tuple[MailboxSummary, ...]:
        def read(connection: sqlite3.Connection) -> list[Any]:
            scope = Scope(connection, visible)
            if scope.policy.withholds:
                return connection.execute(_SHOWN_MAILBOXES, (scope.limit, account)).fetchall()
            return connection.execute(_MAILBOXES, (_names(visible), account)).fetchall()

        rows = await self._database.read(read)
        return tuple(
            MailboxSummary(
                account=owner,
                name=name,
                role=MailboxRole(role),
                messages=messages,
                unread=unread,
                newest=optional_moment(newest),
                refreshed=optional_moment(refreshed),
            )
            for owner, name, role, messages, newest, refreshed, unread in rows
        )

    async def people(self, text: str, visible: Visibility, limit: int) -> tuple[tuple[Person, ...], Total]:
        folded = fold(text)
        received = json.dumps([Role.TO, Role.CC, Role.BCC])

        def read(connection: sqlite3.Connection) -> tuple[tuple[Person, ...], Total]:
            scope = Scope(connection, visible)
            rows = connection.execute(_PEOPLE, (folded, scope.found_in, Role.FROM, received, limit)).fetchall()
            people = tuple(
                _person(connection.execute(_SPELLINGS, (address, scope.found_in)).fetchall(), *counts)
                for address, *counts, _ in rows
            )
            return people, Total(rows[0][-1] if rows else 0, exact=True)

        return await self._database.read(read)

    async def version(self, visible: Visibility) -> Version:
        def read_if_quick(connection: sqlite3.Connection) -> Version | None:
            if visible.accounts is not None or connection.execute(_ANY_TO_COUNT).fetchone()[0]:
                return None
            return read(connection)

        def read(connection: sqlite3.Connection) -> Version:
            scope, names = Scope(connection, visible), _names(visible)
            hidden = _hidden(connection, scope)
            if scope.policy.withholds:
                return _shown_version(connection, scope, hidden)
            if names is None:
                sequence, messages, newest, refreshed = connection.execute(_VERSION).fetchone()
                messages -= hidden
            else:
                sequence, messages, newest, refreshed, accounts = connection.execute(
                    _VERSION_OF_ACCOUNTS, (names,)
                ).fetchone()
                if accounts > 1:  # a message of two of them counts once
                    mailboxes = [mailbox.id for mailbox in scope.mailboxes]
                    (messages,) = connection.execute(_DISTINCT_MESSAGES, (json.dumps(mailboxes),)).fetchone()
            return Version(
                sequence,
                messages or 0,
                optional_moment(newest),
                optional_moment(refreshed),
                scope.policy.generation,
                hidden=hidden,
            )

        # Each search asks for it, and a thread takes longer to do it than it takes.
        quick = await self._database.glance(read_if_quick)
        return quick if quick is not None else await self._database.read(read)

    async def index_is_current(self) -> bool:
        def read(connection: sqlite3.Connection) -> bool:
            form, filled = connection.execute(_INDEX_FORM).fetchone()
            return form == INDEX_FORM or not filled

        return await self._database.read(read)

    async def problems(self, limit: int, offset: int = 0) -> tuple[tuple[RecordedProblem, ...], int]:
        def read(connection: sqlite3.Connection) -> tuple[tuple[RecordedProblem, ...], int]:
            shown = _OF_SHOWN if State.read(connection).withholds else ""
            (total,) = connection.execute(f"SELECT count(*) FROM problems p {shown}").fetchone()  # noqa: S608 - a constant
            rows = connection.execute(_PROBLEMS.format(shown=shown), (limit, offset))
            return tuple(
                RecordedProblem(key, locator, Problem(ProblemCode(code), detail), moment_of(recorded))
                for key, locator, code, detail, recorded in rows
            ), total

        return await self._database.read(read)


def _hidden(connection: sqlite3.Connection, scope: Scope) -> int:
    """How many messages are hidden from the caller unless they ask for them."""
    if not scope.leaves_out_hidden:
        return 0
    if scope.has_all_accounts:
        (count,) = connection.execute(_HIDDEN).fetchone()
    else:
        (count,) = connection.execute(_HIDDEN_IN_SCOPE, (scope.limit,)).fetchone()
    return int(count)


def _shown_version(connection: sqlite3.Connection, scope: Scope, hidden: int) -> Version:
    if scope.has_all_accounts:
        messages, newest = connection.execute(_SHOWN_VERSION).fetchone()
        messages -= hidden
        if newest is not None:  # ids are dates that were counted up: an earlier one may have a later date
            (newest,) = connection.execute(_NEWEST_FROM, (newest,)).fetchone()
    else:
        messages, newest = connection.execute(_SHOWN_VERSION_OF_MAILBOXES, (scope.limit,)).fetchone()
    sequence, refreshed = connection.execute(_SEQUENCE_AND_REFRESHED, (scope.limit,)).fetchone()
    return Version(
        sequence,
        messages,
        optional_moment(newest),
        optional_moment(refreshed),
        scope.policy.generation,
        scope.policy.unjudged,
        hidden,
    )


def _names(visible: Visibility) -> str | None:
    return None if visible.accounts is None else json.dumps(sorted(visible.accounts))


def _person(spellings: Sequence[tuple[str, str, int]], sent: int, received: int, first: int, last: int) -> Person:
    """`spellings` are the names and addresses as they were written, the most used first."""
    names = dict.fromkeys(name for name, _, _ in spellings if name)
    return Person(spellings[0][1], tuple(names), sent, received, moment_of(first), moment_of(last))
