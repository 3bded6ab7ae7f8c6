"""What a query means, worked out plainly over the messages themselves: what an engine's answers are compared with.

It goes through every message and every word, and shares with an engine only the domain: how text is folded, which
scripts are written without spaces, what kind of thing a MIME type is. It reads what was parsed, never what was indexed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from mailquery.domain.addresses import Address
from mailquery.domain.folding import fold, fold_for_index, is_word
from mailquery.domain.handles import key_of_fingerprint, message_handle, thread_handle
from mailquery.domain.media import DOCUMENT_KINDS, Kind, kind_of
from mailquery.domain.messages import Flag, ParsedMessage, SpanKind
from mailquery.domain.numbers import joined_numbers
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
from mailquery.domain.stemming import stem
from mailquery.domain.words import UNSPACED, other_forms
from mailquery.repositories.prepared import NewPlacement, PreparedMessage


@dataclass
class Known:
    """A stored message, where it lies, and the roles of mailboxes. `thread` is the key that the archive gave its
    thread, `mates` the keys of the messages in it."""

    message: PreparedMessage
    placements: list[NewPlacement]
    roles: dict[tuple[str, str], str]
    thread: int = 0
    mates: frozenset[int] = field(default_factory=frozenset)

    @property
    def key(self) -> int:
        return key_of_fingerprint(self.message.fingerprint)

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
        return replace(self, placements=placements)


def seen(known: list[Known], accounts: frozenset[str] | None) -> list[Known]:
    """What a caller sees who may see these accounts. An id of a message that they do not see names no thread."""
    visible = [entry for entry in (each.seen_by(accounts) for each in known) if entry is not None]
    keys = frozenset(entry.key for entry in visible)
    return [replace(entry, mates=entry.mates & keys) for entry in visible]


def find_mates(known: list[Known]) -> None:
    """Sets `mates`: messages are of one thread where a chain of Message-IDs, their own or named by them, joins them.
    (Threads are joined by subjects and by Gmail's ids too; no message of these tests is.)"""
    named = [
        {parsed.message_id, *parsed.in_reply_to, *parsed.references} - {""}
        for parsed in (entry.message.parsed for entry in known)
    ]
    for start, entry in enumerate(known):
        reached, identifiers, grown = {start}, named[start], True
        while grown:
            grown = False
            for other, theirs in enumerate(named):
                if other not in reached and theirs & identifiers:
                    reached.add(other)
                    identifiers = identifiers | theirs
                    grown = True
        entry.mates = frozenset(known[each].key for each in reached)


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
            return _has_words(query, parsed)
        case Participant(field, value, whole):
            if whole:
                return any(fold(person.address) == fold(value) for person in _people(parsed, field))
            return any(_is_person(person, value) for person in _people(parsed, field))
        case InMailbox(name):
            wanted = name.casefold()
            return any(
                wanted in (box.casefold(), box.casefold().rpartition("/")[2], known.roles.get((account, box)) or None)
                for account, box in known.mailboxes()
            )
        case InAccount(name):
            return any(account.casefold() == name.casefold() for account, _ in known.mailboxes())
        case InThread(handle):
            return handle == thread_handle(known.thread) or handle in map(message_handle, known.mates)
        case WithMessageId(message_id):
            return parsed.message_id != "" and parsed.message_id == message_id.strip("<>")
        case OnList(value):
            return fold(value) != "" and fold(value) in fold(parsed.list_id)
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


def _has_words(words: Words, parsed: ParsedMessage) -> bool:
    sought = [pieces(words.text)]
    if not words.quoted and not words.prefix:
        sought += [pieces(form.text) for form in other_forms(words.text)]
    texts = [pieces(each) for text in _texts(parsed, words.field) for each in (text, joined_numbers(fold(text)))]
    return bool(sought[0]) and any(_stand_in(form, text, words) for form in sought for text in texts)


def _texts(parsed: ParsedMessage, where: TextField) -> list[str]:
    """The texts of a field. No words stand side by side from one text to the next. Names and addresses are one text, as
    they follow each other, and so are names of files."""
    own, quoted = (
        "".join(parsed.body.text[span.start : span.end] for span in parsed.body.spans if (span.kind is kind) is quoted)
        for kind, quoted in ((SpanKind.QUOTE, False), (SpanKind.QUOTE, True))
    )
    people = " ".join(f"{person.name} {person.address}" for person in _people(parsed, ParticipantField.WITH))
    filenames = " ".join(part.filename for part in parsed.attachments)
    match where:
        case TextField.SUBJECT:
            return [parsed.subject]
        case TextField.BODY:
            return [own, quoted]
        case TextField.FILENAME | TextField.ATTACHMENT:
            return [filenames]
        case TextField.ANY:
            return [parsed.subject, people, own, quoted, filenames]


def pieces(text: str) -> list[str]:
    """Words in their order, folded. A stretch of a script without spaces is a piece by itself, whatever it touches."""
    plain = "".join(character if is_word(character) else " " for character in fold_for_index(text))
    return re.findall(f"[{UNSPACED}]+|[^{UNSPACED}\\s]+", plain)


def _is_unspaced(piece: str) -> bool:
    return re.match(f"[{UNSPACED}]", piece) is not None


def _stand_in(sought: list[str], text: list[str], words: Words) -> bool:
    return any(
        all(
            _fits(piece, text[start + at], words, first=at == 0, last=at == len(sought) - 1)
            for at, piece in enumerate(sought)
        )
        for start in range(len(text) - len(sought) + 1)
    )


def _fits(piece: str, token: str, words: Words, *, first: bool, last: bool) -> bool:
    """Of text without spaces any part is found; but what stands beside another piece must touch it."""
    if _is_unspaced(piece) != _is_unspaced(token):
        return False
    if not _is_unspaced(piece):
        in_any_form = first and last and not words.quoted and not words.prefix
        return matches(piece, token, prefix=words.prefix and last, in_any_form=in_any_form)
    if first and last:
        return piece in token
    if first:
        return token.endswith(piece)
    return token.startswith(piece) if last else token == piece


def matches(word: str, token: str, *, prefix: bool, in_any_form: bool) -> bool:
    """Whether a word that is sought, of a script with spaces, is this word of a text."""
    if in_any_form and stem(word) == stem(token):
        return True
    return token.startswith(word) if prefix else token == word


def _people(parsed: ParsedMessage, where: ParticipantField) -> Iterable[Address]:
    match where:
        case ParticipantField.FROM:
            return (*parsed.from_, *parsed.sender)
        case ParticipantField.TO:
            return parsed.to
        case ParticipantField.CC:
            return parsed.cc
        case ParticipantField.BCC:
            return parsed.bcc
        case ParticipantField.WITH:
            return (*parsed.from_, *parsed.sender, *parsed.reply_to, *parsed.to, *parsed.cc, *parsed.bcc)


def _is_person(person: Address, value: str) -> bool:
    value, address = fold(value), fold(person.address)
    if not value or value == "@":
        return False
    if value.startswith("@") and "@" not in value[1:]:
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
        case State.GONE:
            return bool(flags & Flag.GONE)
