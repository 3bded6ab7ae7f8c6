"""A query tree back to a query, so that the parser can be held to any tree: `parse(to_text(tree))` gives
`normal_form(tree)`."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mailquery.domain.queries import (
    And,
    DateBetween,
    Everything,
    Has,
    InAccount,
    InMailbox,
    InThread,
    Is,
    Not,
    OfType,
    OnList,
    Or,
    Participant,
    Query,
    SizeBetween,
    TextField,
    WithMessageId,
    Words,
    all_of,
    any_of,
)
from mailquery.query.parser import parse
from mcpkit.errors import Fault

_ZONE = ZoneInfo("UTC")
_NOW = datetime(2000, 1, 1, tzinfo=UTC)  # nothing that is written here depends on it
_MAY_FOLLOW_MINUS = re.compile(r'[\w"(]')


def normal_form(query: Query) -> Query:
    """The same query as the language says it: flat, a range as its two ends, words that need quotation marks quoted."""
    match query:
        case And(parts):
            return all_of(*map(normal_form, parts))
        case Or(parts):
            return any_of(*map(normal_form, parts))
        case Not(part):
            return Not(normal_form(part))
        case SizeBetween(minimum, limit):
            lower = Everything() if minimum is None else SizeBetween(minimum=minimum)
            upper = Everything() if limit is None else SizeBetween(limit=limit)
            return all_of(lower, upper)
        case DateBetween(start, end):
            since = Everything() if start is None else DateBetween(start=start)
            until = Everything() if end is None else DateBetween(end=end)
            return all_of(since, until)
        case Words(quoted=False) if not _stands_bare(query):
            return replace(query, quoted=True)
        case _:
            return query


def to_text(query: Query) -> str:
    """A query string for the tree.

    Raises `ValueError` for what the language cannot say: a value without any letter or digit, a type that it does not
    know, a year outside 1900 to 2999. The limits of `parse` on length, nesting and number of terms are not looked at.
    """
    return _written(normal_form(query))


def _written(query: Query) -> str:
    match query:
        case Or(parts):
            return " OR ".join(map(_written, parts))
        case And(parts):
            return " ".join(_bracketed(part) if isinstance(part, Or) else _written(part) for part in parts)
        case Not(part):
            text = _bracketed(part) if isinstance(part, And | Or) else _written(part)
            return f"-{text}" if _MAY_FOLLOW_MINUS.match(text) else f"NOT {text}"
        case _:
            return _leaf(query)


def _bracketed(query: Query) -> str:
    return f"({_written(query)})"


def _leaf(query: Query) -> str:
    if not (isinstance(query, Words) and query.quoted) and _stands_bare(query):
        return _bare(query)
    field, value, star = _pieces(query)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    quoted = f'{field}"{escaped}"{star}'
    if _reads_as(quoted, query):
        return quoted
    raise ValueError(f"the search language cannot say {query}")


def _bare(query: Query) -> str:
    return "".join(_pieces(query))


def _stands_bare(query: Query) -> bool:
    """Alone and in brackets, where a bracket that ends the word would close them."""
    bare = _bare(query)
    return _reads_as(bare, query) and _reads_as(f"({bare})", query)


def _pieces(query: Query) -> tuple[str, str, str]:
    """The field with its colon, the value, and the * of a prefix."""
    match query:
        case Words(text, field, prefix):
            return "" if field is TextField.ANY else f"{field}:", text, "*" if prefix else ""
        case Participant(participant_field, value):
            return f"{participant_field}:", value, ""
        case Everything():
            return "in:", "anywhere", ""
        case InMailbox(name):
            return "in:", name, ""
        case InAccount(name):
            return "account:", name, ""
        case InThread(handle):
            return "thread:", handle, ""
        case WithMessageId(message_id):
            return "msgid:", message_id, ""
        case OnList(value):
            return "list:", value, ""
        case Has(feature):
            return "has:", feature.value, ""
        case Is(state):
            return "is:", state.value, ""
        case OfType(value):
            return "type:", value, ""
        case SizeBetween(minimum, limit):
            return ("larger:", str(minimum), "") if limit is None else ("smaller:", str(limit), "")
        case DateBetween(start, end):
            return ("after:", _instant(start), "") if end is None else ("before:", _instant(end), "")
        case Not() | And() | Or():
            raise TypeError("not a leaf")


def _instant(instant: datetime | None) -> str:
    assert instant is not None
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _reads_as(text: str, query: Query) -> bool:
    try:
        return parse(text, zone=_ZONE, now=_NOW).tree == query
    except Fault:
        return False
