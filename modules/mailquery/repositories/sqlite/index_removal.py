"""Taking rows out of the text index: what it was given for a message is made again out of what is stored."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from mailquery.domain.messages import ParsedMessage
from mailquery.domain.words import new_words
from mailquery.repositories.index_text import index_text
from mailquery.repositories.prepared import IndexText
from mailquery.repositories.records import StoredMessage, Visibility
from mailquery.repositories.sqlite.attachments.contents import given_texts
from mailquery.repositories.sqlite.index_rows import (
    CURRENT,
    REBUILT,
    IndexTables,
    People,
    columns_of,
    digest_of,
    index_columns,
)
from mailquery.repositories.sqlite.messages import read_stored
from mailquery.repositories.sqlite.participants import ParticipantNumbers
from mailquery.repositories.sqlite.scope import Scope, ids
from mailquery.repositories.sqlite.vocabulary import word_columns


def take_out_of_indexes(connection: sqlite3.Connection, rows: Sequence[int]) -> tuple[list[IndexText], set[int]]:
    """Takes the rows out of the index, and out of the one that is being made: the texts of the messages, and the rows
    that could not be taken out, whose ids no other message may get."""
    made = make_again(connection, rows)
    values = {row: columns for row, (_, columns) in made.items()}
    left = {row for tables in indexes(connection) for row in take_out(connection, tables, rows, values)}
    return [text for text, _ in made.values()], left


def make_again(connection: sqlite3.Connection, rows: Sequence[int]) -> dict[int, tuple[IndexText, tuple[str, ...]]]:
    """What the index should have been given for messages, by their rows: as texts, and as `index_columns` makes it. One
    of which the body is damaged is left out."""
    numbers = ParticipantNumbers()
    attached = given_texts(connection, rows)
    made = {}
    for stored in _readable(connection, rows):
        row, message = stored.row.row, _parsed(stored)
        text = replace(index_text(message), attached=attached.get(row, ""))
        people = People.of(connection, numbers, message)
        made[row] = text, index_columns(connection, numbers, message, text, people)
    return made


def take_out(
    connection: sqlite3.Connection, tables: IndexTables, rows: Sequence[int], made: dict[int, tuple[str, ...]]
) -> list[int]:
    """Takes rows out of an index. `made` is what it should have been given for them; where that is not what it was
    given, the row stays in it, as one that was removed: those are returned."""
    known = dict(
        connection.execute(
            f"SELECT id, digest FROM {tables.indexed} WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608 - a name of ours
            (ids(rows),),
        ).fetchall()
    )
    columns = columns_of(connection, tables)
    marks = ", ".join("?" * len(columns))
    values = {row: made[row][: len(columns)] for row in rows if row in made}
    exact = [(row, each) for row, each in values.items() if known.get(row) == digest_of(each)]
    connection.executemany(
        f"INSERT INTO {tables.search} ({tables.search}, rowid, {', '.join(columns)}) VALUES ('delete', ?, {marks})",  # noqa: S608 - names of ours
        [(row, *each) for row, each in exact],
    )
    taken = {row for row, _ in exact}
    left = [row for row in rows if row not in taken and is_indexed(connection, tables, row)]
    # Those that an index that is being made has must not be given to others in the meantime either.
    for removed in {tables.removed, CURRENT.removed}:
        connection.executemany(f"INSERT OR IGNORE INTO {removed} VALUES (?)", [(row,) for row in left])  # noqa: S608 - a name of ours
    connection.execute(
        f"DELETE FROM {tables.indexed} WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608 - a name of ours
        (ids(rows),),
    )
    return left


def is_indexed_as(connection: sqlite3.Connection, tables: IndexTables, row: int, made: tuple[str, ...]) -> bool:
    """Whether the index was given just this for the row."""
    values = made[: len(columns_of(connection, tables))]
    found = connection.execute(f"SELECT digest FROM {tables.indexed} WHERE id = ?", (row,)).fetchone()  # noqa: S608 - a name of ours
    return found is not None and found[0] == digest_of(values)


def is_indexed(connection: sqlite3.Connection, tables: IndexTables, row: int) -> bool:
    found = connection.execute(f"SELECT 1 FROM {tables.search}_docsize WHERE id = ?", (row,)).fetchone()  # noqa: S608 - a name of ours
    return found is not None


def indexes(connection: sqlite3.Connection) -> list[IndexTables]:
    """The index, and the one that is being made anew where there is one."""
    half_made = connection.execute("SELECT 1 FROM facts WHERE name = 'rebuilt_form'").fetchone()
    return [CURRENT, REBUILT] if half_made else [CURRENT]


def _readable(connection: sqlite3.Connection, rows: Sequence[int]) -> list[StoredMessage]:
    """The messages, without those whose stored body is damaged."""
    scope = Scope(connection, Visibility())
    try:
        return list(read_stored(connection, rows, scope))
    except ValueError:
        if len(rows) == 1:
            return []
        return [message for row in rows for message in _readable(connection, [row])]


def _parsed(stored: StoredMessage) -> ParsedMessage:
    """What was stored of a message in the shape in which it was read. `to` of its row has Cc in it."""
    row = stored.row
    return ParsedMessage(
        message_id=row.message_id,
        in_reply_to=stored.in_reply_to,
        references=stored.references,
        subject=row.subject,
        date=row.date,
        utc_offset=row.utc_offset,
        date_source=stored.date_source,
        from_=row.from_,
        sender=stored.sender,
        reply_to=stored.reply_to,
        to=stored.to,
        cc=stored.cc,
        bcc=stored.bcc,
        list_id=stored.list_id,
        body=stored.body,
        links=stored.links,
        attachments=row.attachments,
    )


def forget_words(connection: sqlite3.Connection, tables: IndexTables, texts: Sequence[IndexText]) -> None:
    """Takes words out of the vocabulary that no message has any more."""
    seen: set[str] = set()
    words = [word for text in texts for column in word_columns(text) for word in new_words(column, seen)]
    unused = [(word,) for word in words if not is_in(connection, tables, f'"{word}"')]
    connection.executemany(f"DELETE FROM {tables.words} WHERE word = ?", unused)  # noqa: S608 - a name of ours


def is_in(connection: sqlite3.Connection, tables: IndexTables, expression: str) -> bool:
    """Whether a message that is there has it."""
    found = connection.execute(
        f"SELECT 1 FROM {tables.search} WHERE {tables.search} MATCH ?"  # noqa: S608 - names of ours
        f" AND rowid NOT IN (SELECT id FROM {tables.removed}) LIMIT 1",
        (expression,),
    ).fetchone()
    return found is not None
