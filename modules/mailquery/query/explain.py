"""How a query was read, in words."""

from datetime import datetime
from zoneinfo import ZoneInfo

from mailquery.domain.queries import (
    And,
    DateBetween,
    Everything,
    Feature,
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
    ParticipantField,
    Query,
    SizeBetween,
    State,
    TextField,
    WithMessageId,
    Words,
)
from mailquery.query.dates import start_of_day

_PLACES = {
    TextField.ANY: "",
    TextField.SUBJECT: " in the subject",
    TextField.BODY: " in the body",
    TextField.FILENAME: " in a file name",
    TextField.ATTACHMENT: " in an attachment",
}
_PEOPLE = {
    ParticipantField.FROM: "from",
    ParticipantField.TO: "to",
    ParticipantField.CC: "cc",
    ParticipantField.BCC: "bcc",
    ParticipantField.WITH: "with",
}
_FEATURES = {
    Feature.ATTACHMENT: "has an attachment",
    Feature.LINK: "has a link",
    Feature.CALENDAR: "has an invitation",
    Feature.IMAGE: "has an image",
    Feature.DOCUMENT: "has a document",
}
_STATES = {
    State.UNREAD: "unread",
    State.READ: "read",
    State.STARRED: "starred",
    State.ANSWERED: "answered",
    State.DRAFT: "a draft",
    State.SENT: "sent",
    State.REPLY: "a reply",
    State.GONE: "gone from the mail server",
}


def explain(query: Query, zone: ZoneInfo) -> str:
    """The tree in words on one line, dates in `zone`: `from "ana" and ("x" or not unread)`."""
    match query:
        case And(parts):
            return " and ".join(
                _bracketed(part, zone) if isinstance(part, Or) else explain(part, zone) for part in parts
            )
        case Or(parts):
            return " or ".join(
                _bracketed(part, zone) if isinstance(part, And) else explain(part, zone) for part in parts
            )
        case Not(part):
            return "not " + (_bracketed(part, zone) if _is_compound(part) else explain(part, zone))
        case DateBetween(start, end):
            return _dates(start, end, zone)
        case _:
            return _leaf(query)


def heading(query: Query, zone: ZoneInfo) -> str:
    """One node of the tree in words, without its parts: `all of`, `any of`, `not`, or a condition."""
    match query:
        case And():
            return "all of"
        case Or():
            return "any of"
        case Not():
            return "not"
        case _:
            return explain(query, zone)


def _is_compound(query: Query) -> bool:
    """Whether an "and" or an "or" stands in its words."""
    match query:
        case And() | Or():
            return True
        case DateBetween(start, end):
            return start is not None and end is not None
        case SizeBetween(minimum, limit):
            return minimum is not None and limit is not None
        case _:
            return False


def _bracketed(query: Query, zone: ZoneInfo) -> str:
    return f"({explain(query, zone)})"


def _leaf(query: Query) -> str:
    match query:
        case Words(text, field, prefix, quoted):
            exactly = "exactly " if quoted else ""
            return f"{exactly}{_quoted(text)}{'*' if prefix else ''}{_PLACES[field]}"
        case Participant(participant_field, value, whole):
            return f"{_PEOPLE[participant_field]} {'exactly ' if whole else ''}{_quoted(value)}"
        case Everything():
            return "every message"
        case InMailbox(name):
            return f"in mailbox {_quoted(name)}"
        case InAccount(name):
            return f"in account {_quoted(name)}"
        case InThread(handle):
            return f"in the thread of {handle}"
        case WithMessageId(message_id):
            return f"with Message-ID {_quoted(message_id)}"
        case OnList(value):
            return f"of mailing list {_quoted(value)}"
        case Has(feature):
            return _FEATURES[feature]
        case Is(state):
            return _STATES[state]
        case OfType(value):
            return f"with a part of type {value}"
        case SizeBetween(minimum, limit):
            return _sizes(minimum, limit)
        case _:
            raise TypeError("not a leaf")


def _quoted(text: str) -> str:
    return f'"{text}"'


def _sizes(minimum: int | None, limit: int | None) -> str:
    lower = "" if minimum is None else f"of {minimum:,} bytes or more"
    upper = "" if limit is None else f"of fewer than {limit:,} bytes"
    return " and ".join(filter(None, (lower, upper))) or "of any size"


def _dates(start: datetime | None, end: datetime | None, zone: ZoneInfo) -> str:
    since = "" if start is None else f"dated {_instant(start, zone)} or later"
    until = "" if end is None else f"dated before {_instant(end, zone)}"
    return " and ".join(filter(None, (since, until))) or "of any date"


def _instant(instant: datetime, zone: ZoneInfo) -> str:
    """A day alone where it is that day's first moment."""
    local = instant.astimezone(zone)
    if instant == start_of_day(local.date(), zone):
        return local.date().isoformat()
    return local.isoformat(sep=" ", timespec="minutes" if not local.second else "seconds")
