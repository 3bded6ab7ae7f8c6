"""What messages can be grouped by, as SQL: the expression that is the key, and the tables that it needs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from mailquery.domain.addresses import Role
from mailquery.repositories.records import GroupBy
from mailquery.repositories.sqlite.periods import DAY, EARLIEST, PERIODS, stretches
from mailquery.repositories.sqlite.scope import Scope, ids

# `{n}` tells the tables of two groupings in one statement apart.
_PEOPLE = """
    LEFT JOIN message_participants w{n} ON w{n}.message = m.id AND w{n}.role IN (SELECT value FROM json_each(?))
    LEFT JOIN participants p{n} ON p{n}.id = w{n}.participant
"""
_ADDRESS = "coalesce(nullif(p{n}.folded_address, ''), p{n}.folded_name, '')"  # some headers hold a name only
_DOMAIN = "coalesce((SELECT d.name FROM domains d WHERE d.id = p{n}.domain), '')"
_PLACEMENTS = "CROSS JOIN placements l{n} ON l{n}.message = m.id"
_VISIBLE_PLACEMENTS = """
    CROSS JOIN placements l{n} ON l{n}.message = m.id AND l{n}.mailbox IN (SELECT value FROM json_each(?))
"""
_LISTS = "LEFT JOIN lists i{n} ON i{n}.id = m.list"
_ATTACHMENTS = "LEFT JOIN attachments a{n} ON a{n}.message = m.id"
_STRETCHES = """
    stretches{n} (day, first, "limit", value) AS MATERIALIZED (
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)
    )
"""
_STRETCH = f"""
    CROSS JOIN stretches{{n}} s{{n}}
    ON s{{n}}.day = (m.date + {EARLIEST}) / {DAY} - {EARLIEST // DAY}
       AND m.date >= s{{n}}.first AND m.date < s{{n}}."limit"
"""
_HOUR = f"(m.date + {EARLIEST} + s{{n}}.value) % {DAY} / 3600"

_SENDERS = (Role.FROM,)
_RECIPIENTS = (Role.TO, Role.CC, Role.BCC)


@dataclass(frozen=True, slots=True)
class Grouping:
    """`key` may use the tables that `joined` brings in beside `m`; `table` is a common table expression that those
    need. Where `repeats`, joining gives a message's key several times, and it must count once."""

    by: GroupBy
    key: str
    joined: str = ""
    given: tuple[object, ...] = ()
    table: str = ""
    table_given: tuple[object, ...] = ()
    repeats: bool = False

    @property
    def order(self) -> str:
        """How groups of the columns `n` (messages) and `{key}` follow each other: largest first, periods newest."""
        return "{key} DESC" if self.by in PERIODS else "n DESC, {key}"


def grouping(by: GroupBy, scope: Scope, zone: ZoneInfo, days: Sequence[int], n: int) -> Grouping:
    """`days` are the UTC days (since the epoch) of the messages that are counted."""
    made = _grouping(by, scope, zone, days)
    return Grouping(
        made.by,
        made.key.format(n=n),
        made.joined.format(n=n),
        made.given,
        made.table.format(n=n),
        made.table_given,
        made.repeats,
    )


def _grouping(by: GroupBy, scope: Scope, zone: ZoneInfo, days: Sequence[int]) -> Grouping:
    match by:
        case GroupBy.SENDER:
            return Grouping(by, _ADDRESS, _PEOPLE, (ids(_SENDERS),), repeats=True)
        case GroupBy.RECIPIENT:
            return Grouping(by, _ADDRESS, _PEOPLE, (ids(_RECIPIENTS),), repeats=True)
        case GroupBy.DOMAIN:
            return Grouping(by, _DOMAIN, _PEOPLE, (ids(_SENDERS),), repeats=True)
        case GroupBy.LIST:
            return Grouping(by, "coalesce(i{n}.name, '')", _LISTS)
        case GroupBy.ATTACHMENT_TYPE:
            return Grouping(by, "coalesce(a{n}.kind, '')", _ATTACHMENTS, repeats=True)
        case GroupBy.MAILBOX if scope.limit is None:
            return Grouping(by, "l{n}.mailbox", _PLACEMENTS)
        case GroupBy.MAILBOX:
            return Grouping(by, "l{n}.mailbox", _VISIBLE_PLACEMENTS, (scope.limit,))
        case _:
            key = _HOUR if by is GroupBy.HOUR else "s{n}.value"
            table = json.dumps(stretches(days, zone, by))
            return Grouping(by, key, _STRETCH, (), _STRETCHES, (table,))
