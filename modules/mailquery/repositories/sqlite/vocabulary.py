"""The words of the index by their stems (the table `words`)."""

import sqlite3
from collections.abc import Iterable

from mailquery.domain.stemming import stem
from mailquery.domain.words import new_words
from mailquery.repositories.prepared import IndexText

_REMEMBERED = 300_000
_ATTACHED = 100_000  # characters of the attachments of one message whose words are known: a dictionary is no vocabulary
_MOST_FORMS = 24  # of one word: more than any has that somebody wrote on purpose


class Vocabulary:
    """Adds the words of messages, for one writing session. What it remembers is right only while no transaction is
    undone."""

    def __init__(self, table: str = "words") -> None:
        self._add = f"INSERT OR IGNORE INTO {table} VALUES (?, ?)"  # noqa: S608 - a name of ours
        self._known: set[str] = set()
        self._removals = 0

    def as_of(self, removals: int) -> None:
        """Forgets what was remembered before the last of so many removals."""
        if removals != self._removals:
            self.forget()
            self._removals = removals

    def forget(self) -> None:
        self._known.clear()

    def trim(self) -> None:
        """Keeps memory bounded. Called between transactions."""
        if len(self._known) > _REMEMBERED:
            self._known.clear()

    def add(self, connection: sqlite3.Connection, texts: Iterable[IndexText]) -> None:
        fresh: list[str] = []
        for text in texts:
            for column in word_columns(text):
                fresh += new_words(column, self._known)
        fresh.sort()  # the tree is filled in the order of its keys
        connection.executemany(self._add, [(word, stem(word)) for word in fresh])


def word_columns(text: IndexText) -> tuple[str, ...]:
    """What of a message makes words known."""
    return text.subject, text.people, text.body, text.quoted, text.filenames, text.attached[:_ATTACHED]


def forms_of(connection: sqlite3.Connection, word: str) -> list[str]:
    """The words of the index that have the stem of `word` (folded), without `word` itself, in the alphabet's order."""
    rows = connection.execute(
        "SELECT word FROM words WHERE stem = ? AND word <> ? ORDER BY word LIMIT ?", (stem(word), word, _MOST_FORMS)
    )
    return [form for (form,) in rows]
