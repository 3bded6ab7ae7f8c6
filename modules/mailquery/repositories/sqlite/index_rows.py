"""The rows of the text index, and the tables that belong to it.

The index is contentless: it keeps no text, and takes a row out only for the very text that it was given. What that was
is known by a digest, and made again out of what is stored.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from mailquery.domain.addresses import RECIPIENTS, Address, Role
from mailquery.domain.messages import ParsedMessage
from mailquery.repositories.prepared import IndexText
from mailquery.repositories.sqlite.participants import ParticipantNumbers
from mailquery.repositories.sqlite.tokens import content_tokens, list_token

_COLUMNS = ("subject", "people", "body", "quoted", "filenames", "meta", "attached")  # `attached` came last

_CREATE = """
    CREATE VIRTUAL TABLE {search} USING fts5 (
      {columns}, content = '', tokenize = "unicode61 remove_diacritics 0 categories 'L* N* Co M*'"
    )
"""
_SETTINGS = (("hashsize", 67_108_864), ("automerge", 0))  # as in the first migration


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
    """The values of the columns."""
    tokens = people.tokens | dict.fromkeys(content_tokens(message))
    if message.list_id:
        tokens[list_token(numbers.list_id(connection, message.list_id))] = None
    return text.subject, text.people, text.body, text.quoted, text.filenames, " ".join(tokens), text.attached


def create_index(connection: sqlite3.Connection, tables: IndexTables) -> None:
    """Makes an empty index of the present form. There must be none of this name."""
    connection.execute(_CREATE.format(search=tables.search, columns=", ".join(_COLUMNS)))
    connection.executemany(f"INSERT INTO {tables.search} ({tables.search}, rank) VALUES (?, ?)", _SETTINGS)  # noqa: S608 - names of ours


def make_current(connection: sqlite3.Connection) -> None:
    """Gives an archive without messages an index of the present form: one with rows cannot get another column."""
    if not has_attached(connection, CURRENT):
        connection.execute(f"DROP TABLE {CURRENT.search}")
        create_index(connection, CURRENT)


def has_attached(connection: sqlite3.Connection, tables: IndexTables) -> bool:
    """Whether the index has a place for the texts of attachments."""
    return columns_of(connection, tables) == _COLUMNS


def columns_of(connection: sqlite3.Connection, tables: IndexTables) -> tuple[str, ...]:
    """The index's columns: the first ones of those that `index_columns` gives the values of."""
    found = connection.execute("SELECT name FROM pragma_table_info(?)", (tables.search,)).fetchall()
    names = {name for (name,) in found}
    return tuple(column for column in _COLUMNS if column in names)


def put_in(connection: sqlite3.Connection, tables: IndexTables, rows: Sequence[tuple[int, tuple[str, ...]]]) -> None:
    """Writes rows, given by their ids with what `index_columns` made, and keeps their digests."""
    columns = columns_of(connection, tables)
    marks = ", ".join("?" * len(columns))
    connection.executemany(
        f"INSERT INTO {tables.search} (rowid, {', '.join(columns)}) VALUES (?, {marks})",  # noqa: S608 - names of ours
        [(row, *values[: len(columns)]) for row, values in rows],
    )
    connection.executemany(
        f"INSERT OR REPLACE INTO {tables.indexed} VALUES (?, ?)",  # noqa: S608 - a name of ours
        [(row, digest_of(values[: len(columns)])) for row, values in rows],
    )


def digest_of(columns: tuple[str, ...]) -> int:
    """64 bits of a row, signed as SQLite's integers are."""
    made = blake2b(digest_size=8, person=b"indexed")
    for column in columns:
        value = column.encode("utf-8", "surrogatepass")
        made.update(len(value).to_bytes(8, "big"))
        made.update(value)
    return int.from_bytes(made.digest(), "big", signed=True)
