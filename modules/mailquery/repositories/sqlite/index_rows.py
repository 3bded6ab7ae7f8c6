"""The rows of the text index, and the tables that belong to it.

The index is contentless: it keeps no text, and takes a row out only for the very text that it was given. What that was
is known by a digest, and made again out of what is stored.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from mailquery.domain.addresses import RECIPIENTS, Address, Role
from mailquery.domain.messages import ParsedMessage
from mailquery.repositories.records import IndexText
from mailquery.repositories.sqlite.participants import ParticipantNumbers
from mailquery.repositories.sqlite.tokens import content_tokens, list_token

COLUMNS = "subject, people, body, quoted, filenames, meta"


@dataclass(frozen=True, slots=True)
class IndexTables:
    """The names of an index and of what belongs to it: its vocabulary, the digests of its rows, and its rows that are
    of no message any more."""

    search: str
    words: str
    indexed: str
    removed: str


CURRENT = IndexTables("search", "words", "indexed", "removed")
REBUILT = IndexTables("rebuilt_search", "rebuilt_words", "rebuilt_indexed", "rebuilt_removed")


@dataclass(slots=True)
class People:
    """Of one message: what message_participants and repeated_recipients hold, without the message's row id, and the
    index tokens, each once."""

    rows: list[tuple[int, int, int]] = field(default_factory=list)
    repeated: list[tuple[int, int]] = field(default_factory=list)
    tokens: dict[str, None] = field(default_factory=dict)

    @classmethod
    def of(cls, connection: sqlite3.Connection, numbers: ParticipantNumbers, message: ParsedMessage) -> "People":
        people = cls()
        recipients: set[str] = set()
        for role, addresses in _by_role(message):
            for position, address in enumerate(addresses):
                participant = numbers.participant(connection, address)
                people.rows.append((int(role), position, participant.id))
                people.tokens.update(participant.tokens(role))
                if role in RECIPIENTS:
                    if participant.known_as in recipients:
                        people.repeated.append((int(role), position))
                    recipients.add(participant.known_as)
        return people


def _by_role(message: ParsedMessage) -> Iterator[tuple[Role, tuple[Address, ...]]]:
    yield Role.FROM, message.from_
    yield Role.SENDER, message.sender
    yield Role.REPLY_TO, message.reply_to
    yield Role.TO, message.to
    yield Role.CC, message.cc
    yield Role.BCC, message.bcc


def index_columns(
    connection: sqlite3.Connection,
    numbers: ParticipantNumbers,
    message: ParsedMessage,
    text: IndexText,
    people: People,
) -> tuple[str, ...]:
    """The values of `COLUMNS`."""
    tokens = people.tokens | dict.fromkeys(content_tokens(message))
    if message.list_id:
        tokens[list_token(numbers.list_id(connection, message.list_id))] = None
    return text.subject, text.people, text.body, text.quoted, text.filenames, " ".join(tokens)


def digest_of(columns: tuple[str, ...]) -> int:
    """64 bits of a row, signed as SQLite's integers are."""
    made = blake2b(digest_size=8, person=b"indexed")
    for column in columns:
        value = column.encode("utf-8", "surrogatepass")
        made.update(len(value).to_bytes(8, "big"))
        made.update(value)
    return int.from_bytes(made.digest(), "big", signed=True)
