"""Counting messages by sender, period and the like, exactly."""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from mailquery.domain.addresses import Role
from mailquery.repositories.records import Group, GroupBy, Statistics
from mailquery.repositories.sqlite.encoding import moment_of
from mailquery.repositories.sqlite.scope import Scope, ids
from mailquery.repositories.sqlite.selection import Selection

_UNREAD = "m.flags & 1 = 0"
_UNREAD_IN_SCOPE = """
    NOT EXISTS (SELECT 1 FROM placements u WHERE u.message = m.id AND u.flags & 1 <> 0
                AND u.mailbox IN (SELECT value FROM json_each(?)))
"""

_PEOPLE = """
    LEFT JOIN message_participants w ON w.message = m.id AND w.role IN (SELECT value FROM json_each(?))
    LEFT JOIN participants p ON p.id = w.participant
"""
_PLACEMENTS = "CROSS JOIN placements l ON l.message = m.id"
_VISIBLE_PLACEMENTS = """
    CROSS JOIN placements l ON l.message = m.id AND l.mailbox IN (SELECT value FROM json_each(?))
"""
_MAILBOX_NAMES = """
    SELECT b.id, b.name, a.name FROM mailboxes b JOIN accounts a ON a.id = b.account
    WHERE b.id IN (SELECT value FROM json_each(?))
"""
_ADDRESS = "coalesce(nullif(p.folded_address, ''), p.folded_name, '')"  # some headers hold a name only
_DOMAIN = "coalesce((SELECT d.name FROM domains d WHERE d.id = p.domain), '')"
_SENDERS = (Role.FROM,)
_RECIPIENTS = (Role.TO, Role.CC, Role.BCC)

# A message counts once for each of its keys, however often a key stands in it.
_GROUPED = """
    WITH hits (id) AS MATERIALIZED ({hits}),
    tagged AS (
      SELECT DISTINCT m.id, {key} AS key, m.size AS size, m.date AS date, {unread} AS unread
      FROM hits h CROSS JOIN messages m ON m.id = h.id {joined}
    )
    SELECT key, count(*), sum(size), sum(unread), min(date), max(date), count(*) OVER (), sum(count(*)) OVER ()
    FROM tagged GROUP BY key ORDER BY count(*) DESC, key LIMIT ?
"""
_PLAIN = """
    WITH hits (id) AS MATERIALIZED ({hits})
    SELECT m.date, m.size, {unread} FROM hits h CROSS JOIN messages m ON m.id = h.id
"""
_TOTALS = """
    WITH hits (id) AS MATERIALIZED ({hits})
    SELECT count(*), coalesce(sum(m.size), 0) FROM hits h CROSS JOIN messages m ON m.id = h.id
"""

_PERIODS: dict[GroupBy, Callable[[datetime], str]] = {
    GroupBy.DAY: lambda day: f"{day.year:04}-{day.month:02}-{day.day:02}",
    GroupBy.WEEK: lambda day: "{:04}-W{:02}".format(*day.isocalendar()[:2]),
    GroupBy.MONTH: lambda day: f"{day.year:04}-{day.month:02}",
    GroupBy.YEAR: lambda day: f"{day.year:04}",
}


def read_statistics(
    connection: sqlite3.Connection, selection: Selection, scope: Scope, group_by: GroupBy, zone: ZoneInfo, limit: int
) -> Statistics:
    """The groups of what is selected: the largest, of periods the newest."""
    if (name_of := _PERIODS.get(group_by)) is not None:
        return _by_period(connection, selection, scope, name_of, zone, limit)
    hits, parameters = selection.sql()
    messages, size = connection.execute(_TOTALS.format(hits=hits), parameters).fetchone()
    key, joined, given = _key(group_by, scope)
    unread, visible = _unread(scope)
    sql = _GROUPED.format(hits=hits, key=key, unread=unread, joined=joined)
    rows = connection.execute(sql, (*parameters, *visible, *given, limit)).fetchall()
    names = _mailbox_names(connection, [row[0] for row in rows]) if group_by is GroupBy.MAILBOX else {}
    groups = []
    for key, n, b, u, first, last, _, _ in rows:
        name, account = names.get(key, (key, ""))
        groups.append(Group(name, n, b, u, moment_of(first), moment_of(last), account))
    group_count, placed = rows[0][-2:] if rows else (0, 0)
    return Statistics(tuple(groups), group_count, messages, size, placed)


def _mailbox_names(connection: sqlite3.Connection, mailboxes: list[int]) -> dict[int, tuple[str, str]]:
    """(name, account) of each. Mailboxes of one name in two accounts are two groups, so ids are grouped by."""
    found = connection.execute(_MAILBOX_NAMES, (ids(mailboxes),))
    return {mailbox: (name, account) for mailbox, name, account in found}


def _key(group_by: GroupBy, scope: Scope) -> tuple[str, str, tuple[object, ...]]:
    """What is grouped by: the expression, the join that it needs, and that join's parameters."""
    match group_by:
        case GroupBy.SENDER:
            return _ADDRESS, _PEOPLE, (ids(_SENDERS),)
        case GroupBy.RECIPIENT:
            return _ADDRESS, _PEOPLE, (ids(_RECIPIENTS),)
        case GroupBy.DOMAIN:
            return _DOMAIN, _PEOPLE, (ids(_SENDERS),)
        case _ if scope.limit is None:
            return "l.mailbox", _PLACEMENTS, ()
        case _:
            return "l.mailbox", _VISIBLE_PLACEMENTS, (scope.limit,)


def _unread(scope: Scope) -> tuple[str, tuple[object, ...]]:
    return (_UNREAD, ()) if scope.limit is None else (_UNREAD_IN_SCOPE, (scope.limit,))


def _by_period(
    connection: sqlite3.Connection,
    selection: Selection,
    scope: Scope,
    name_of: Callable[[datetime], str],
    zone: ZoneInfo,
    limit: int,
) -> Statistics:
    hits, parameters = selection.sql()
    unread, visible = _unread(scope)
    tallies: dict[str, list[int]] = {}
    names: dict[tuple[int, int, int], str] = {}
    total = 0
    for second, size, is_unread in connection.execute(_PLAIN.format(hits=hits, unread=unread), (*parameters, *visible)):
        day = _local(second, zone)
        date = (day.year, day.month, day.day)
        if (name := names.get(date)) is None:
            name = names[date] = name_of(day)
        total += size
        if (tally := tallies.get(name)) is None:
            tallies[name] = [1, size, is_unread, second, second]
            continue
        tally[0] += 1
        tally[1] += size
        tally[2] += is_unread
        tally[3] = min(tally[3], second)
        tally[4] = max(tally[4], second)
    newest_first = sorted(tallies.items(), key=lambda item: -item[1][4])
    groups = tuple(
        Group(name, n, b, u, moment_of(first), moment_of(last)) for name, (n, b, u, first, last) in newest_first[:limit]
    )
    messages = sum(tally[0] for tally in tallies.values())
    return Statistics(groups, len(tallies), messages, total, placed=messages)


def _local(second: int, zone: ZoneInfo) -> datetime:
    moment = moment_of(second)
    try:
        return moment.astimezone(zone)
    except OverflowError:  # within a day of the years 1 or 9999, where a date in mail is invented anyway
        return moment
