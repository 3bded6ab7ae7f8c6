"""A plain ranking to compare with: SQLite's FTS5 with Porter's stemmer, all words first, then any of them, by BM25."""

import re
import sqlite3
from collections.abc import Sequence
from typing import Literal

from mailbench.known_items import Mail

_FILTER = re.compile(r"\b(from|subject|after|before):(\"[^\"]*\"|\S+)")
_WORD = re.compile(r"\w+")


class PlainBM25:
    """Of the search language it knows words, from: and subject:; dates it passes over."""

    def __init__(self, mails: Sequence[Mail]) -> None:
        self._connection = sqlite3.connect(":memory:")
        self._connection.execute(
            "CREATE VIRTUAL TABLE mail USING fts5 (id UNINDEXED, sender, subject, body, tokenize = 'porter unicode61')"
        )
        self._connection.executemany(
            "INSERT INTO mail VALUES (?, ?, ?, ?)",
            [(mail.message_id, mail.sender, mail.subject, mail.text) for mail in mails],
        )

    def find(self, query: str, limit: int) -> list[str]:
        """Message-IDs, best first."""
        found = dict.fromkeys(self.ranked(query, "AND", limit)) | dict.fromkeys(self.ranked(query, "OR", limit))
        return list(found)[:limit]

    def ranked(self, query: str, joint: Literal["AND", "OR"], limit: int) -> list[str]:
        """Message-IDs of what has all of the free words, or any of them, best first."""
        words = [f'"{word}"' for word in _WORD.findall(free_words(query))]
        return self._ask([*_needed(query), *([f"({f' {joint} '.join(words)})"] if words else [])], limit)

    def allowed(self, query: str) -> set[str] | None:
        """Message-IDs of what the query's fields let through; None where it has none."""
        needed = _needed(query)
        return set(self._ask(needed, -1)) if needed else None

    def _ask(self, needed: Sequence[str], limit: int) -> list[str]:
        if not needed:
            return []
        rows = self._connection.execute(
            "SELECT id FROM mail WHERE mail MATCH ? ORDER BY bm25(mail) LIMIT ?", (" AND ".join(needed), limit)
        )
        return [identifier for (identifier,) in rows]


def free_words(query: str) -> str:
    """The query without its fields."""
    return _FILTER.sub(" ", query).strip()


def _needed(query: str) -> list[str]:
    return [
        f'{"sender" if field == "from" else "subject"} : "{" ".join(_WORD.findall(value))}"'
        for field, value in _FILTER.findall(query)
        if field in {"from", "subject"}
    ]
