"""What a query means, worked out plainly over the messages themselves: what an engine's answers are compared with."""

import unicodedata
from dataclasses import dataclass

from mailquery.domain.addresses import Address
from mailquery.domain.handles import message_handle, thread_handle
from mailquery.domain.media import DOCUMENT_KINDS, Kind, kind_of
from mailquery.domain.messages import Flag
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
from mailquery.domain.words import fold, phrase
from mailquery.repositories.records import NewPlacement, PreparedMessage


@dataclass
class Known:
    """A stored message, where it lies, and the keys that it was given."""

    message: PreparedMessage
    placements: list[NewPlacement]
    roles: dict[tuple[str, str], str]
    key: int = 0
    thread: int = 0

    def mailboxes(self) -> list[tuple[str, str]]:
        return [(new.account, placement.mailbox) for new in self.placements for placement in new.placements]

    def flags(self) -> Flag:
        flags = Flag(0)
        for new in self.placements:
            for placement in new.placements:
                flags |= Flag.SEEN if placement.flags is None else placement.flags
        return flags

    def seen_by(self, accounts: frozenset[str] | None) -> "Known | None":
        placements = [new for new in self.placements if accounts is None or new.account in accounts]
        if accounts is not None and not placements:
            return None
        return Known(self.message, placements, self.roles, self.key, self.thread)


def tokens(text: str) -> list[str]:
    words = "".join(c if unicodedata.category(c)[0] in "LNM" or unicodedata.category(c) == "Co" else " " for c in text)
    return words.split()


def holds(query: Query, known: Known) -> bool:
    parsed = known.message.parsed
    match query:
        case Everything():
            return True
        case And(parts):
            return all(holds(part, known) for part in parts)
        case Or(parts):
            return any(holds(part, known) for part in parts)
        case Not(part):
            return not holds(part, known)
        case Words():
            return _has_words(query, known.message)
        case Participant(field, value):
            return any(_is_person(person, value) for person in _people(known.message, field))
        case InMailbox(name):
            wanted = name.casefold()
            return any(
                wanted in (box.casefold(), box.casefold().rpartition("/")[2], known.roles.get((account, box)) or None)
                for account, box in known.mailboxes()
            )
        case InAccount(name):
            return any(account.casefold() == name.casefold() for account, _ in known.mailboxes())
        case InThread(handle):
            return handle in (thread_handle(known.thread), message_handle(known.key))
        case WithMessageId(message_id):
            return parsed.message_id != "" and parsed.message_id == message_id.strip("<>")
        case OnList(value):
            return fold(value) in fold(parsed.list_id)
        case Has(feature):
            return _has(feature, known.message)
        case Is(state):
            return _is(state, known)
        case OfType(value):
            return any(
                value.lower() in (part.content_type.lower(), kind_of(part.content_type, part.filename).value)
                for part in parsed.attachments
            )
        case SizeBetween(minimum, limit):
            size = known.message.raw_size
            return (minimum is None or size >= minimum) and (limit is None or size < limit)
        case DateBetween(start, end):
            date = parsed.date.replace(microsecond=0)
            return (start is None or date >= start) and (end is None or date < end)


def _has_words(words: Words, message: PreparedMessage) -> bool:
    wanted = phrase(words.text, prefix=words.prefix)
    if wanted is None:
        return False
    index = message.index
    columns = {
        TextField.ANY: [index.subject, index.people, index.body, index.quoted, index.filenames],
        TextField.SUBJECT: [index.subject],
        TextField.BODY: [index.body, index.quoted],
        TextField.FILENAME: [index.filenames],
    }[words.field]
    sought = tokens(wanted.text)
    return any(_stands_in(sought, tokens(column), prefix=wanted.prefix) for column in columns)


def _stands_in(sought: list[str], text: list[str], *, prefix: bool) -> bool:
    *before, last = sought
    for start in range(len(text) - len(sought) + 1):
        window = text[start : start + len(sought)]
        if window[:-1] == before and (window[-1] == last or (prefix and window[-1].startswith(last))):
            return True
    return False


def _people(message: PreparedMessage, field: ParticipantField) -> tuple[Address, ...]:
    parsed = message.parsed
    by_field = {
        ParticipantField.FROM: (*parsed.from_, *parsed.sender),
        ParticipantField.TO: parsed.to,
        ParticipantField.CC: parsed.cc,
        ParticipantField.BCC: parsed.bcc,
    }
    everybody = (*(person for people in by_field.values() for person in people), *parsed.reply_to)
    return by_field.get(field, everybody)


def _is_person(person: Address, value: str) -> bool:
    value, address = fold(value), fold(person.address)
    if value.startswith("@"):
        domain = address.rpartition("@")[2]
        return domain == value[1:] or domain.endswith("." + value[1:])
    return value in address or ("@" not in value and value in fold(person.name))


def _has(feature: Feature, message: PreparedMessage) -> bool:
    parsed = message.parsed
    kinds = {kind_of(part.content_type, part.filename) for part in parsed.attachments}
    match feature:
        case Feature.ATTACHMENT:
            return any(not part.inline for part in parsed.attachments)
        case Feature.LINK:
            return bool(parsed.links) or "http://" in parsed.body.text or "https://" in parsed.body.text
        case Feature.CALENDAR:
            return Kind.CALENDAR in kinds
        case Feature.IMAGE:
            return Kind.IMAGE in kinds
        case Feature.DOCUMENT:
            return bool(kinds & DOCUMENT_KINDS)


def _is(state: State, known: Known) -> bool:
    flags = known.flags()
    match state:
        case State.UNREAD:
            return not flags & Flag.SEEN
        case State.READ:
            return bool(flags & Flag.SEEN)
        case State.STARRED:
            return bool(flags & Flag.FLAGGED)
        case State.ANSWERED:
            return bool(flags & Flag.ANSWERED)
        case State.DRAFT:
            return bool(flags & Flag.DRAFT)
        case State.SENT:
            return any(known.roles.get(box) == "sent" for box in known.mailboxes())
        case State.REPLY:
            return bool(known.message.parsed.in_reply_to or known.message.parsed.references)
