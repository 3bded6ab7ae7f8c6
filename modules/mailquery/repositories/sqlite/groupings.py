"""What messages can be grouped by, as SQL: the expression that is the key, and the tables that it needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from mailquery.domain.addresses import Role
from mailquery.repositories.records import GroupBy
from mailquery.repositories.sqlite.periods import PERIODS, period_key
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
_SENDERS = (Role.FROM,)
_RECIPIENTS = (Role.TO, Role.CC, Role.BCC)


@dataclass(frozen=True, slots=True)
class Grouping:
    """`key` may use the tables that `joined` brings in beside `m`. Where `repeats`, joining gives a message's key
    several times, and it must count once."""

    by: GroupBy
    key: str
    joined: str = ""
    given: tuple[object, ...] = ()
    repeats: bool = False

    @property
    def order(self) -> str:
        """How groups of the columns `n` (messages) and `{key}` follow each other: largest first, periods newest."""
        return "{key} DESC" if self.by in PERIODS else "n DESC, {key}"


def grouping(by: GroupBy, scope: Scope, zone: ZoneInfo, days: Sequence[int], n: int) -> Grouping:
    """`days` are the UTC days (since the epoch) of the messages that are counted."""
    made = _grouping(by, scope, zone, days)
    return replace(made, key=made.key.format(n=n), joined=made.joined.format(n=n))


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
            return Grouping(by, period_key(by, days, zone))
