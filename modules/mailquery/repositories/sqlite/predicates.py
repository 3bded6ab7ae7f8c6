"""A compiled query's parts as predicates of SQL."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mailquery.domain.messages import Flag
from mailquery.repositories.sqlite.nodes import (
    Both,
    Condition,
    Dates,
    Either,
    Flagged,
    Lies,
    Match,
    Negation,
    Node,
    Sized,
    Truth,
)

ROW = "{row}"  # stands in a condition for the expression that is the message's row id


@dataclass(frozen=True, slots=True)
class Join:
    """A table in which a message has one row or none, and which keeps those that have one. It takes two thirds of the
    time of EXISTS, which opens the table anew for each message."""

    sql: str
    parameters: tuple[object, ...] = ()


# Conditions on messages.flags are written as the partial indexes have them, since only the same text is served by
# them. Where something else drives, a narrow index is looked into, not the message's wide row.
LISTED = {  # the index and what it is an index of
    (Flag.SEEN, False): ("messages_unread", "flags & 1 = 0"),
    (Flag.ANSWERED, True): ("messages_answered", "flags & 2 <> 0"),
    (Flag.FLAGGED, True): ("messages_starred", "flags & 4 <> 0"),
    (Flag.DRAFT, True): ("messages_draft", "flags & 8 <> 0"),
    (Flag.GONE, True): ("messages_gone", "flags & 64 <> 0"),
    (Flag.HIDDEN, True): ("messages_hidden", "flags & 128 <> 0"),
}


IN_ORDER_OF_TIME = "messages_facts"


def _looked_up(flag: Flag, present: bool) -> str:
    listed = (flag, present) in LISTED
    index, sql = LISTED[flag, present if listed else not present]
    exists = f"EXISTS (SELECT 1 FROM messages i INDEXED BY {index} WHERE i.id = {ROW} AND i.{sql})"  # noqa: S608 - constants
    return exists if listed else f"NOT {exists}"


def joined_by(node: Node) -> Join | None:
    """The node as a join, where it can be one."""
    match node:
        case Lies((mailbox,)):
            table = f"placements l{mailbox}"
            return Join(f"{table} ON l{mailbox}.message = {ROW} AND l{mailbox}.mailbox = ?", (mailbox,))
        case Flagged(flag, present) if (flag, present) in LISTED:
            index, sql = LISTED[flag, present]
            return Join(f"messages f{flag:d} INDEXED BY {index} ON f{flag:d}.id = {ROW} AND f{flag:d}.{sql}")
        case Sized(minimum, limit):
            name = f'"sized {minimum} {limit}"'
            sql, sizes = node.condition(name)
            return Join(f"messages {name} INDEXED BY {IN_ORDER_OF_TIME} ON {name}.id = {ROW} AND {sql}", sizes)
        case _:
            return None


def as_condition(node: Node) -> Condition:
    """Any node as SQL."""
    match node:
        case Truth(value):
            return Condition("1" if value else "0")
        case Match(expression):
            return Condition("{row} IN (SELECT rowid FROM search WHERE search MATCH ?)", (expression,))
        case Condition():
            return node
        case Lies((mailbox,)):
            return Condition(
                "EXISTS (SELECT 1 FROM placements l WHERE l.message = {row} AND l.mailbox = ?)", (mailbox,)
            )
        case Lies(mailboxes):
            return Condition(
                "EXISTS (SELECT 1 FROM placements l WHERE l.message = {row}"
                " AND +l.mailbox IN (SELECT value FROM json_each(?)))",
                (json.dumps(mailboxes),),
            )
        case Flagged(flag, present):
            return Condition(_looked_up(flag, present))
        case Sized():
            sql, sizes = node.condition("z")
            table = f"messages z INDEXED BY {IN_ORDER_OF_TIME}"
            return Condition(f"EXISTS (SELECT 1 FROM {table} WHERE z.id = {ROW} AND {sql})", sizes)  # noqa: S608 - constants
        case Dates(first, limit):
            bounds = [("m.date >= ?", first), ("m.date < ?", limit)]
            given = [(sql, second) for sql, second in bounds if second is not None]
            sql = " AND ".join(sql for sql, _ in given) or "1"
            return Condition(f"({sql})", tuple(second for _, second in given), needs_message=bool(given))
        case Negation(part):
            inner = as_condition(part)
            return Condition(f"NOT ({inner.sql})", inner.parameters, inner.needs_message)
        case Both(parts):
            return _combined(parts, " AND ")
        case Either(parts):
            return _combined(parts, " OR ")


def _combined(parts: Sequence[Node], operator: str) -> Condition:
    inner = [as_condition(part) for part in parts]
    return Condition(
        "(" + operator.join(part.sql for part in inner) + ")",
        tuple(parameter for part in inner for parameter in part.parameters),
        any(part.needs_message for part in inner),
    )
