"""What is searched for: a syntax tree that the query language produces and every repository compiles.

Instants are UTC. A name in a node is as the user wrote it; how it is compared is said here, once, so that every engine
gives the same answer.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TextField(StrEnum):
    """Where words are looked for. ANY is subject, people, body, quoted history, attachment names and their text."""

    ANY = "any"
    SUBJECT = "subject"
    BODY = "body"  # the body with its quoted history and signature
    FILENAME = "filename"
    ATTACHMENT = "attachment"  # the name of an attachment, or its text where an index has it


class ParticipantField(StrEnum):
    FROM = "from"  # From and Sender
    TO = "to"
    CC = "cc"
    BCC = "bcc"
    WITH = "with"  # any of them, and Reply-To


class Feature(StrEnum):
    ATTACHMENT = "attachment"  # a part that is not inline
    LINK = "link"
    CALENDAR = "calendar"
    IMAGE = "image"
    DOCUMENT = "document"  # pdf, word processor, spreadsheet, presentation


class State(StrEnum):
    UNREAD = "unread"
    READ = "read"
    STARRED = "starred"
    ANSWERED = "answered"
    DRAFT = "draft"
    SENT = "sent"  # lies in a mailbox with the role `sent`
    REPLY = "reply"  # has In-Reply-To or References
    GONE = "gone"  # was on a mail server, and is there no more


@dataclass(frozen=True, slots=True)
class Everything:
    """Every message."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of `text` side by side and in this order; case, accents and width do not matter.

    With `prefix` the last word may go on. Text without spaces (Korean, Japanese, Chinese, Thai) is found by any
    substring. A `text` in which there is no letter or digit matches nothing.
    """

    text: str
    field: TextField = TextField.ANY
    prefix: bool = False
    quoted: bool = False  # the user wrote it in quotation marks: match exactly, without stemming


@dataclass(frozen=True, slots=True)
class Participant:
    """`value` is a part of the display name or of the address, without regard to case and accents.

    `@acme.io` is that domain and those below it; a value with an `@` inside and nothing else is a part of an address.
    With `whole` the value is all of an address.
    """

    field: ParticipantField
    value: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class InMailbox:
    """The mailbox's name, its last path element, or its role ("inbox", "sent"), without regard to case."""

    name: str


@dataclass(frozen=True, slots=True)
class InAccount:
    name: str


@dataclass(frozen=True, slots=True)
class InThread:
    """A thread id, or the id of a message in it."""

    handle: str


@dataclass(frozen=True, slots=True)
class WithMessageId:
    """The Message-ID header, with or without its angle brackets."""

    message_id: str


@dataclass(frozen=True, slots=True)
class OnList:
    """A part of the List-Id."""

    value: str


@dataclass(frozen=True, slots=True)
class Has:
    feature: Feature


@dataclass(frozen=True, slots=True)
class Is:
    state: State


@dataclass(frozen=True, slots=True)
class OfType:
    """A message with a part of this kind (`domain.media`): "pdf", "image", or a MIME type such as "text/calendar"."""

    value: str


@dataclass(frozen=True, slots=True)
class SizeBetween:
    """The size of the raw message in bytes: at least `minimum` and less than `limit`."""

    minimum: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class DateBetween:
    """Dated at `start` or later and before `end`."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Not:
    part: "Query"


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple["Query", ...]


Query = (
    Everything
    | Words
    | Participant
    | InMailbox
    | InAccount
    | InThread
    | WithMessageId
    | OnList
    | Has
    | Is
    | OfType
    | SizeBetween
    | DateBetween
    | Not
    | And
    | Or
)


def asks_for_gone(query: Query) -> bool:
    """Whether it says anything of messages that are gone. Else those that are hidden are not found."""
    match query:
        case And(parts) | Or(parts):
            return any(asks_for_gone(part) for part in parts)
        case Not(part):
            return asks_for_gone(part)
        case _:
            return query == Is(State.GONE)


def all_of(*parts: Query) -> Query:
    """The conjunction, flat: nested conjunctions are taken apart and `Everything` is left out."""
    flat: list[Query] = []
    for part in parts:
        if isinstance(part, And):
            flat.extend(part.parts)
        elif not isinstance(part, Everything):
            flat.append(part)
    if not flat:
        return Everything()
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(*parts: Query) -> Query:
    """The disjunction, flat: nested disjunctions are taken apart. Of nothing it is what no message matches."""
    flat: list[Query] = []
    for part in parts:
        if isinstance(part, Or):
            flat.extend(part.parts)
        else:
            flat.append(part)
    if not flat:
        return Not(Everything())
    return flat[0] if len(flat) == 1 else Or(tuple(flat))
