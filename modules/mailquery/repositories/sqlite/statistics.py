"""Counting messages by sender, period and the like, exactly."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from mailquery.repositories.records import Group, GroupBy, Statistics
from mailquery.repositories.sqlite.encoding import moment_of
from mailquery.repositories.sqlite.groupings import Grouping, grouping
from mailquery.repositories.sqlite.periods import DAY, EARLIEST, PERIODS, period_name
from mailquery.repositories.sqlite.scope import Scope, ids
from mailquery.repositories.sqlite.selection import Selection

_UNREAD = "m.flags & 1 = 0"
_UNREAD_IN_SCOPE = """
    NOT EXISTS (SELECT 1 FROM placements u WHERE u.message = m.id AND u.flags & 1 <> 0
                AND u.mailbox IN (SELECT value FROM json_each(?)))
"""
_MAILBOX_NAMES = """
    SELECT b.id, b.name, a.name FROM mailboxes b JOIN accounts a ON a.id = b.account
    WHERE b.id IN (SELECT value FROM json_each(?))
"""

_BY_DAY = f"""
    WITH hits (id) AS MATERIALIZED ({{hits}})
    SELECT (m.date + {EARLIEST}) / {DAY} - {EARLIEST // DAY} AS day,
           count(*), sum(m.size), sum({{unread}}), min(m.date), max(m.date)
    FROM hits h CROSS JOIN messages m ON m.id = h.id GROUP BY day
"""  # noqa: S608 - numbers
_GROUPED = """
    WITH hits (id) AS MATERIALIZED ({hits}),
    tagged AS (
      SELECT {distinct} m.id, {keys}, m.size AS size, m.date AS date, {unread} AS unread
      FROM hits h CROSS JOIN messages m ON m.id = h.id {joined}
    )
"""
_FIRST = """
    SELECT a, count(*) AS n, sum(size), sum(unread), min(date), max(date), count(*) OVER (), sum(count(*)) OVER ()
    FROM tagged GROUP BY a ORDER BY {order} LIMIT ?
"""
_SECOND = """
    , counted AS (
      SELECT a, b, count(*) AS n, sum(size) AS size, sum(unread) AS unread, min(date) AS first, max(date) AS last
      FROM tagged WHERE a IN ({wanted}) GROUP BY a, b
    ),
    placed AS (
      SELECT *, count(*) OVER of_a AS groups, sum(n) OVER of_a AS messages,
             row_number() OVER (PARTITION BY a ORDER BY {order}) AS place
      FROM counted WINDOW of_a AS (PARTITION BY a)
    )
    SELECT a, b, n, size, unread, first, last, groups, messages FROM placed WHERE place <= ? ORDER BY a, place
"""

_Key = int | str


@dataclass(frozen=True, slots=True)
class _Counting:
    """What one call counts: all of its statements are made of it."""

    connection: sqlite3.Connection
    selection: Selection
    scope: Scope

    def fetch(self, sql: str, groupings: Sequence[Grouping], given: Iterable[object] = ()) -> list[Any]:
        """The rows of `sql` over `tagged`, in which the groupings' keys are `a` and `b`."""
        hits, parameters = self.selection.sql()
        unread, visible = self.unread()
        before = _GROUPED.format(
            hits=hits,
            # A message counts once for each of its keys, however often a key stands in it.
            distinct="DISTINCT" if any(each.repeats for each in groupings) else "",
            keys=", ".join(f"{each.key} AS {name}" for each, name in zip(groupings, "ab", strict=False)),
            unread=unread,
            joined=" ".join(each.joined for each in groupings),
        )
        joins = [value for each in groupings for value in each.given]
        return self.connection.execute(before + sql, (*parameters, *visible, *joins, *given)).fetchall()

    def unread(self) -> tuple[str, tuple[object, ...]]:
        return (_UNREAD, ()) if self.scope.limit is None else (_UNREAD_IN_SCOPE, (self.scope.limit,))


def read_statistics(
    connection: sqlite3.Connection,
    selection: Selection,
    scope: Scope,
    group_by: GroupBy,
    zone: ZoneInfo,
    limit: int,
    then_by: GroupBy | None,
    then_limit: int,
) -> Statistics:
    """The groups of what is selected: the largest, of periods the newest; and of each the groups by `then_by`."""
    counting = _Counting(connection, selection, scope)
    hits, parameters = selection.sql()
    unread, visible = counting.unread()
    by_day = connection.execute(_BY_DAY.format(hits=hits, unread=unread), (*parameters, *visible)).fetchall()
    if not by_day:
        return Statistics((), 0, 0, 0, 0)
    days = [row[0] for row in by_day]
    first = grouping(group_by, scope, zone, days, 1)
    rows = counting.fetch(_FIRST.format(order=first.order.format(key="a")), [first], (limit,))
    names = _names(connection, group_by, [row[0] for row in rows])
    groups = [(row[0], _group(names[row[0]], row[1:6])) for row in rows]
    if then_by is not None:
        second = grouping(then_by, scope, zone, days, 2)
        groups = _divided(counting, groups, (first, second), then_limit)
    return Statistics(
        groups=tuple(group for _, group in groups),
        group_count=rows[0][6],
        messages=sum(row[1] for row in by_day),
        bytes=sum(row[2] for row in by_day),
        placed=rows[0][7],
        unread=sum(row[3] for row in by_day),
        first=moment_of(min(row[4] for row in by_day)),
        last=moment_of(max(row[5] for row in by_day)),
    )


def _divided(
    counting: _Counting, groups: list[tuple[_Key, Group]], groupings: tuple[Grouping, Grouping], limit: int
) -> list[tuple[_Key, Group]]:
    """The groups with their parts."""
    keys = [key for key, _ in groups]
    sql = _SECOND.format(wanted=", ".join("?" * len(keys)), order=groupings[1].order.format(key="b"))
    rows = counting.fetch(sql, groupings, (*keys, limit))
    names = _names(counting.connection, groupings[1].by, [row[1] for row in rows])
    parts: dict[_Key, list[Group]] = defaultdict(list)
    counts: dict[_Key, tuple[int, int]] = {}
    for a, b, *figures, count, placed in rows:
        parts[a].append(_group(names[b], figures))
        counts[a] = count, placed
    return [
        (key, replace(group, parts=tuple(parts[key]), part_count=counts[key][0], placed=counts[key][1]))
        for key, group in groups
    ]


def _group(name: tuple[str, str], figures: Sequence[int]) -> Group:
    messages, size, unread, first, last = figures
    return Group(name[0], messages, size, unread, moment_of(first), moment_of(last), account=name[1])


def _names(connection: sqlite3.Connection, by: GroupBy, keys: Sequence[_Key]) -> dict[_Key, tuple[str, str]]:
    """(name, account) of each. Mailboxes of one name in two accounts are two groups, so ids are grouped by."""
    if by is GroupBy.MAILBOX:
        found = connection.execute(_MAILBOX_NAMES, (ids(sorted({int(key) for key in keys})),))
        return {mailbox: (name, account) for mailbox, name, account in found}
    if by in PERIODS or by is GroupBy.HOUR:
        return {key: (period_name(key, by), "") for key in keys}
    return {key: (str(key), "") for key in keys}
