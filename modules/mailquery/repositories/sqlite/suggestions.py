"""What a word that no message has may be meant for.

Hangul is indexed as parts of words and not as words: there is no list to look in, so every edit is looked for.
"""

import json
import re
import sqlite3
from collections.abc import Iterator

from mailquery.domain.queries import And, Or, Query, TextField, Words
from mailquery.domain.spelling import one_edit_from
from mailquery.domain.words import fold, is_named_word, phrase
from mailquery.repositories.sqlite.compile import compile_query
from mailquery.repositories.sqlite.nodes import quoted
from mailquery.repositories.sqlite.people_index import PeopleIndex
from mailquery.repositories.sqlite.scope import Scope

_SHORTEST = 4  # letters: a shorter word is one edit from too many
_HANGUL = re.compile("[\uac00-\ud7a3]{2,8}")  # a syllable has two or three letters
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")
_FEWEST = 2  # messages that a word is in which is worth suggesting
_COUNTED = 1_000
_LOOKED_UP = 40  # words of a query
_MOST_WORDS = 5  # that others are suggested for

_OF_WORDS = "SELECT w.word FROM (SELECT DISTINCT value FROM json_each(?)) e CROSS JOIN words w ON w.word = e.value"
_OF_SYLLABLES = """
    SELECT e.value ->> 0 FROM json_each(?) e
    WHERE EXISTS (SELECT 1 FROM search WHERE search MATCH e.value ->> 1)
"""


def suggestions(
    connection: sqlite3.Connection, query: Query, scope: Scope, people: PeopleIndex, any_match: bool
) -> tuple[tuple[str, str], ...]:
    """The query's words that none of the caller's messages has, each with the word one edit from it that most have.
    Where `any_match` says that a message matches the query, it has every word but those of alternatives."""
    if any_match and not _has_alternatives(query):
        return ()
    found: list[tuple[str, str]] = []
    for written in list(dict.fromkeys(_words(query)))[:_LOOKED_UP]:
        word = _AROUND.sub("", fold(written))
        named = is_named_word(word) and len(word) >= _SHORTEST
        if not (named or _HANGUL.fullmatch(word)) or _messages(connection, Words(written), scope, people, most=1):
            continue
        best = _best(connection, word, scope, people)
        if best is not None:
            found.append((written, best))
            if len(found) == _MOST_WORDS:
                break
    return tuple(found)


def _best(connection: sqlite3.Connection, word: str, scope: Scope, people: PeopleIndex) -> str | None:
    counted = [
        (_messages(connection, Words(other, quoted=True), scope, people, most=_COUNTED), other)
        for other in _known(connection, word)
    ]
    messages, best = max(counted, default=(0, ""))
    return best if messages >= _FEWEST else None


def _known(connection: sqlite3.Connection, word: str) -> list[str]:
    """The words one edit from it that the index has, whoever may see them."""
    edits = sorted(set(one_edit_from(word)))
    if _HANGUL.fullmatch(word) is None:
        return [known for (known,) in connection.execute(_OF_WORDS, (json.dumps(edits),))]
    phrases = [(edit, found) for edit in edits if (found := phrase(edit)) is not None]
    sought = json.dumps([(edit, quoted(found.text)) for edit, found in phrases])
    return [known for (known,) in connection.execute(_OF_SYLLABLES, (sought,))]


def _messages(connection: sqlite3.Connection, word: Words, scope: Scope, people: PeopleIndex, *, most: int) -> int:
    """In how many messages that the caller may see the word is, at most `most`."""
    sql, parameters = compile_query(connection, word, scope, people).sql("1", tail="LIMIT ?")
    (count,) = connection.execute(f"SELECT count(*) FROM ({sql})", (*parameters, most)).fetchone()  # noqa: S608 - values are parameters
    return int(count)


def _has_alternatives(query: Query) -> bool:
    match query:
        case Or():
            return True
        case And(parts):
            return any(map(_has_alternatives, parts))
        case _:
            return False


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
