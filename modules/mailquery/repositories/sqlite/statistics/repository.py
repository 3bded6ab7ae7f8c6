"""Counting messages by sender, period and the like, exactly."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from mailquery.repositories.groups import Group, GroupBy, Statistics
from mailquery.repositories.sqlite.encoding import moment_of
from mailquery.repositories.sqlite.nodes import Condition
from mailquery.repositories.sqlite.scope import Scope, ids
from mailquery.repositories.sqlite.selection import Selection
from mailquery.repositories.sqlite.statistics.groupings import Grouping, grouping
from mailquery.repositories.sqlite.statistics.periods import DAY, EARLIEST, PERIODS, Clock, period_name

_UNREAD = "m.flags & 1 = 0"
_UNREAD_IN_SCOPE = """
    NOT EXISTS (SELECT 1 FROM placements u WHERE u.message = m.id AND u.flags & 1 <> 0
                AND u.mailbox IN (SELECT value FROM json_each(?)))
"""
_FIGURES = "count(*) AS n, sum(m.size) AS size, sum({unread}) AS unread, min(m.date) AS first, max(m.date) AS last"
_ADDED = "sum(n) AS n, sum(size) AS size, sum(unread) AS unread, min(first) AS first, max(last) AS last"
_MAILBOX_NAMES = """
    SELECT b.id, b.name, a.name FROM mailboxes b JOIN accounts a ON a.id = b.account
    WHERE b.id IN (SELECT value FROM json_each(?))
"""

_DAYS = f"DISTINCT (m.date + {EARLIEST}) / {DAY} - {EARLIEST // DAY}"
_FEW_DAYS = 40_000  # it costs less to ask for the offset on each of them than for the days that have messages

_FIRST = f"""
    WITH c AS MATERIALIZED ({{cells}})
    SELECT {{key}} AS a, json_group_array(DISTINCT c.a) AS cells, {_ADDED}, count(*) OVER (), sum(sum(n)) OVER ()
    FROM c {{named}} GROUP BY 1 ORDER BY {{order}} LIMIT ?
"""  # noqa: S608 - expressions
_SECOND = f"""
    WITH wanted (cell, a) AS MATERIALIZED (
      SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)
    ),
    c AS MATERIALIZED ({{cells}}),
    counted AS (
      SELECT w.a AS a, {{key}} AS b, {_ADDED} FROM c JOIN wanted w ON w.cell = c.a {{named}} GROUP BY 1, 2
    ),
    placed AS (
      SELECT *, count(*) OVER of_a AS groups, sum(n) OVER of_a AS messages,
             row_number() OVER (PARTITION BY a ORDER BY {{order}}) AS place
      FROM counted WINDOW of_a AS (PARTITION BY a)
    )
    SELECT a, b, n, size, unread, first, last, groups, messages FROM placed WHERE place <= ? ORDER BY a, place
"""  # noqa: S608 - expressions

_Key = int | str


@dataclass(frozen=True, slots=True)
class _Counting:
    """What one call counts: all of its statements are made of it."""

    connection: sqlite3.Connection
    selection: Selection
    scope: Scope

    def totals(self) -> tuple[int, int, int, int, int]:
        """Messages, bytes, unread, and the first and the last date."""
        sql, parameters = self._cells(())
        found: tuple[int, int, int, int, int] = self.connection.execute(sql, parameters).fetchone()
        return found

    def clock(self, zone: ZoneInfo, first: int, last: int) -> Clock:
        days: Sequence[int] = range(first // DAY, last // DAY + 1)
        if len(days) > _FEW_DAYS:
            sql, parameters = self.selection.sql(_DAYS, facts="messages_facts")
            days = [day for (day,) in self.connection.execute(sql, parameters)]
        return Clock(days, zone)

    def groups(self, by: Grouping, limit: int) -> list[Any]:
        """(key, its cells, figures, how many groups there are, the sum of their messages) of the first groups."""
        cells, parameters = self._cells((by,))
        sql = _FIRST.format(cells=cells, key=by.key, named=by.named, order=by.order.format(key="1"))
        return self.connection.execute(sql, (*parameters, limit)).fetchall()

    def parts(self, groupings: tuple[Grouping, Grouping], wanted: str, limit: int) -> list[Any]:
        """(place of the group in `wanted`, key, figures, how many parts the group has, the sum of their messages).
        `wanted` is a JSON array of pairs: a cell of the first grouping, and the place of its group."""
        second = groupings[1]
        cells, parameters = self._cells(groupings, "SELECT cell FROM wanted")
        sql = _SECOND.format(cells=cells, key=second.key, named=second.named, order=second.order.format(key="b"))
        return self.connection.execute(sql, (wanted, *parameters, limit)).fetchall()

    def _cells(self, groupings: Sequence[Grouping], among: str = "") -> tuple[str, list[object]]:
        """The figures of each cell, or for two groupings of each pair, as far as it is `among` the wanted ones; of
        everything without any grouping. A cell can come in several rows."""
        statements = []
        parameters: list[object] = []
        for each in product(*((by, by.further) if by.further else (by,) for by in groupings)):
            sql, given = self._cells_of(each, among)
            statements.append(sql)
            parameters.extend(given)
        return " UNION ALL ".join(statements), parameters

    def _cells_of(self, groupings: Sequence[Grouping], among: str) -> tuple[str, list[object]]:
        whole = self.scope.has_all_accounts
        unread, visible = (_UNREAD, ()) if whole else (_UNREAD_IN_SCOPE, (self.scope.limit,))
        selection = self.selection
        conditions = [by.condition for by in groupings if by.condition]
        if among:
            conditions.append(f"{groupings[0].cell} IN ({among})")
        for condition in conditions:
            selection = selection.also(Condition(condition))
        names = "ab"[: len(groupings)]
        # What an index has in the order of the cells need not be sorted.
        sorted_by_sender = self.selection.is_everything and any(by.by_sender for by in groupings[:1])
        grouped = ["m.sender", *names[1:]] if sorted_by_sender else names
        sql, parameters = selection.sql(
            "".join(f"{by.cell} AS {name}, " for by, name in zip(groupings, names, strict=True))
            + _FIGURES.format(unread=unread),
            joined=" ".join(by.joined for by in groupings),
            given=[value for by in groupings for value in by.given],
            tail=f"GROUP BY {', '.join(grouped)}" if grouped else "",
            facts="messages_by_sender" if sorted_by_sender else "messages_facts",
            source=groupings[0].source if groupings else "",
        )
        return sql, [*visible, *parameters]


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
    messages, size, unread, first, last = counting.totals()
    if not messages:
        return Statistics((), 0, 0, 0, 0)
    timed = {group_by, then_by} & {*PERIODS, GroupBy.HOUR}
    clock = counting.clock(zone, first, last) if timed else None
    by = grouping(group_by, scope, clock, 0, everything=selection.is_everything)
    rows = counting.groups(by, limit)
    names = _names(connection, group_by, [row[0] for row in rows])
    groups = [_group(names[row[0]], row[2:7]) for row in rows]
    if then_by is not None:
        second = grouping(then_by, scope, clock, 1)
        groups = _divided(counting, groups, [row[1] for row in rows], (by, second), then_limit)
    return Statistics(
        groups=tuple(groups),
        group_count=rows[0][7],
        messages=messages,
        bytes=size,
        placed=rows[0][8],
        unread=unread,
        first=moment_of(first),
        last=moment_of(last),
    )


def _divided(
    counting: _Counting,
    groups: Sequence[Group],
    cells: Sequence[str],
    groupings: tuple[Grouping, Grouping],
    limit: int,
) -> list[Group]:
    """The groups with their parts. `cells` are those of each, as JSON arrays."""
    wanted = json.dumps([(cell, place) for place, each in enumerate(cells) for cell in json.loads(each)])
    rows = counting.parts(groupings, wanted, limit)
    names = _names(counting.connection, groupings[1].by, [row[1] for row in rows])
    parts: dict[int, list[Group]] = defaultdict(list)
    counts: dict[int, tuple[int, int]] = {}
    for place, key, *figures, count, placed in rows:
        parts[place].append(_group(names[key], figures))
        counts[place] = count, placed
    return [
        replace(group, parts=tuple(parts[place]), part_count=counts[place][0], placed=counts[place][1])
        for place, group in enumerate(groups)
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
