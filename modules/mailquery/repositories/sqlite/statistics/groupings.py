"""What messages can be grouped by, as SQL.

A message is first counted by what costs little to know of it, such as the number of its sender or the day: its cell.
Cells are few, and only they are given names and put together.
"""

from dataclasses import dataclass, replace

from mailquery.domain.addresses import Role
from mailquery.repositories.groups import GroupBy
from mailquery.repositories.sqlite.scope import Scope
from mailquery.repositories.sqlite.statistics.periods import PERIODS, Clock

# `{n}` tells the tables of two groupings in one statement apart; `{row}` is the message's row id.
_ADDRESS = "coalesce(nullif(p{n}.folded_address, ''), p{n}.folded_name, '')"  # some headers hold a name only
_DOMAIN = "coalesce(d{n}.name, '')"
_ADDRESS_OF = "LEFT JOIN participants p{n} ON p{n}.id = {cell}"
_DOMAIN_OF = f"{_ADDRESS_OF} LEFT JOIN domains d{{n}} ON d{{n}}.id = p{{n}}.domain"

_HAS_FURTHER_SENDERS = f"""
    {{row}} IN (SELECT e.message FROM message_participants e INDEXED BY further_senders
                WHERE e.role = {Role.FROM:d} AND e.position > 0)
"""  # noqa: S608 - numbers
# One sender for each key that the first sender has not.
_FURTHER_SENDERS = f"""
    CROSS JOIN (
      SELECT w.message AS message, min(w.participant) AS participant
      FROM (SELECT DISTINCT e.message AS message FROM message_participants e INDEXED BY further_senders
            WHERE e.role = {Role.FROM:d} AND e.position > 0) x
      CROSS JOIN message_participants w ON w.message = x.message AND w.role = {Role.FROM:d}
      {_DOMAIN_OF.format(n="{n}", cell="w.participant")}
      GROUP BY w.message, {{key}} HAVING min(w.position) > 0
    ) o{{n}} ON o{{n}}.message = {{row}}
"""  # noqa: S608 - numbers
# A person who is named twice is counted where they stand first.
_RECIPIENTS = f"""
    LEFT JOIN message_participants w{{n}} ON w{{n}}.message = {{row}}
      AND w{{n}}.role BETWEEN {Role.TO:d} AND {Role.BCC:d}
      AND (w{{n}}.role = {Role.TO:d} AND w{{n}}.position = 0 OR NOT EXISTS (
        SELECT 1 FROM repeated_recipients e
        WHERE e.message = w{{n}}.message AND e.role = w{{n}}.role AND e.position = w{{n}}.position))
"""  # noqa: S608 - numbers
_BY_MAILBOX = """
    placements b{n} INDEXED BY placements_by_mailbox
    CROSS JOIN messages m INDEXED BY messages_facts ON m.id = b{n}.message
"""
_PLACEMENTS = "CROSS JOIN placements b{n} ON b{n}.message = {row}"
_NOT_HIDDEN = " AND b{n}.flags & 128 = 0"
_VISIBLE = " AND b{n}.mailbox IN (SELECT value FROM json_each(?))"
_ATTACHMENTS = """
    LEFT JOIN attachments a{n} ON a{n}.message = {row} AND (a{n}.position = 0 OR NOT EXISTS (
      SELECT 1 FROM attachments e
      WHERE e.message = a{n}.message AND e.position < a{n}.position AND e.kind = a{n}.kind))
"""


@dataclass(frozen=True, slots=True)
class Grouping:
    """`cell` is what a message is counted by, never NULL, and once for each of its keys. It may use the tables that
    `joined` (with the parameters `given`) brings in beside `m`. `key` is that of the group which a cell belongs to; it
    may use the cell as `{cell}`, and the tables that `named` brings in. `condition` is true of the messages that have a
    cell. With `by_sender`, cells follow `m.sender`. `source` is what every message can be read from with `m`, in the
    order of the cells. Cells that few messages have beside it are those of `further`."""

    by: GroupBy
    cell: str
    key: str = "{cell}"
    joined: str = ""
    named: str = ""
    given: tuple[object, ...] = ()
    condition: str = ""
    by_sender: bool = False
    source: str = ""
    further: "Grouping | None" = None

    @property
    def order(self) -> str:
        """How groups of the columns `n` (messages) and `{key}` follow each other: largest first, periods newest."""
        return "{key} DESC" if self.by in PERIODS else "n DESC, {key}"


def grouping(by: GroupBy, scope: Scope, clock: Clock | None, n: int, *, everything: bool = False) -> Grouping:
    """The `n`-th grouping of a statement. Periods and hours are those of `clock`. `everything` is whether all messages
    are counted, and this grouping may say from what they are read."""
    made = _grouping(by, scope, clock)
    if everything and by is GroupBy.MAILBOX:
        made = Grouping(by, made.cell, source=_BY_MAILBOX)
    return _named(made, n)


def _named(made: Grouping, n: int) -> Grouping:
    cell = f"c.{'ab'[n]}"
    return replace(
        made,
        cell=made.cell.format(n=n),
        key=made.key.format(n=n, cell=cell),
        joined=made.joined.format(n=n, row="{row}"),
        named=made.named.format(n=n, cell=cell),
        source=made.source.format(n=n),
        further=made.further and _named(made.further, n),
    )


def _grouping(by: GroupBy, scope: Scope, clock: Clock | None) -> Grouping:
    match by:
        case GroupBy.SENDER:
            return _by_sender(by, _ADDRESS, _ADDRESS_OF)
        case GroupBy.DOMAIN:
            return _by_sender(by, _DOMAIN, _DOMAIN_OF)
        case GroupBy.RECIPIENT:
            return Grouping(by, "coalesce(w{n}.participant, 0)", _ADDRESS, _RECIPIENTS, _ADDRESS_OF)
        case GroupBy.LIST:
            return Grouping(
                by, "coalesce(m.list, 0)", "coalesce(i{n}.name, '')", "", "LEFT JOIN lists i{n} ON i{n}.id = {cell}"
            )
        case GroupBy.ATTACHMENT_TYPE:
            return Grouping(by, "coalesce(a{n}.kind, '')", joined=_ATTACHMENTS)
        case GroupBy.MAILBOX:
            placements = _PLACEMENTS + (_NOT_HIDDEN if scope.leaves_out_hidden else "")
            if scope.limit is None:
                return Grouping(by, "b{n}.mailbox", joined=placements)
            return Grouping(by, "b{n}.mailbox", joined=placements + _VISIBLE, given=(scope.limit,))
        case GroupBy.HOUR if clock is not None:
            return Grouping(by, clock.hour("m.date"))
        case _:
            assert clock is not None
            return Grouping(by, clock.day("m.date"), clock.period(by, "{cell}"))


def _by_sender(by: GroupBy, key: str, named: str) -> Grouping:
    joined = _FURTHER_SENDERS.format(n="{n}", key=key, row="{row}")
    further = Grouping(by, "o{n}.participant", key, joined, named, condition=_HAS_FURTHER_SENDERS)
    return Grouping(by, "coalesce(m.sender, 0)", key, "", named, by_sender=True, further=further)
