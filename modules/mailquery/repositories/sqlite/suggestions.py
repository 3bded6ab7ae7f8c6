"""What a word that no message has may be meant for."""

import json
import sqlite3
from collections.abc import Iterator

from mailquery.domain.queries import And, Or, Query, TextField, Words
from mailquery.domain.spelling import one_edit_from
from mailquery.domain.words import is_named_word, phrase
from mailquery.repositories.sqlite.compile import compile_query
from mailquery.repositories.sqlite.people_index import PeopleIndex
from mailquery.repositories.sqlite.scope import Scope

_SHORTEST = 4  # letters: a shorter word is one edit from too many
_FEWEST = 2  # messages that a word is in which is worth suggesting
_COUNTED = 1_000
_TRIED = 30
_MOST_WORDS = 5


def suggestions(
    connection: sqlite3.Connection, query: Query, scope: Scope, people: PeopleIndex
) -> tuple[tuple[str, str], ...]:
    """The query's words that none of the caller's messages has, each with the word one edit from it that most have."""
    found = []
    for written in list(dict.fromkeys(_words(query)))[:_MOST_WORDS]:
        word = phrase(written)
        if word is None or len(word.text) < _SHORTEST or not is_named_word(word.text):
            continue
        if _messages(connection, Words(written), scope, people) == 0:
            best = _best(connection, word.text, scope, people)
            if best is not None:
                found.append((written, best))
    return tuple(found)


def _best(connection: sqlite3.Connection, word: str, scope: Scope, people: PeopleIndex) -> str | None:
    known = connection.execute(
        "SELECT w.word FROM (SELECT DISTINCT value FROM json_each(?)) e CROSS JOIN words w ON w.word = e.value LIMIT ?",
        (json.dumps(sorted(one_edit_from(word))), _TRIED),
    )
    counted = [
        (_messages(connection, Words(other, quoted=True), scope, people), other) for (other,) in known.fetchall()
    ]
    messages, best = max(counted, default=(0, ""))
    return best if messages >= _FEWEST else None


def _messages(connection: sqlite3.Connection, word: Words, scope: Scope, people: PeopleIndex) -> int:
    """In how many messages that the caller may see the word is, as far as that matters."""
    sql, parameters = compile_query(connection, word, scope, people).sql("1", tail="LIMIT ?")
    (count,) = connection.execute(f"SELECT count(*) FROM ({sql})", (*parameters, _COUNTED)).fetchone()  # noqa: S608 - values are parameters
    return int(count)


def _words(query: Query) -> Iterator[str]:
    match query:
        case Words(text, field, prefix=False, quoted=False) if field in (
            TextField.ANY,
            TextField.SUBJECT,
            TextField.BODY,
        ):
            yield text
        case And(parts) | Or(parts):
            for part in parts:
                yield from _words(part)
        case _:
            pass
