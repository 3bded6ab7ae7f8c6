"""A plain ranking to compare with: SQLite's FTS5 with Porter's stemmer, all words first, then any of them, by BM25."""

import re
import sqlite3
from collections.abc import Sequence

from mailbench.known_items import Mail

_FILTER = re.compile(r"\b(from|subject|after|before):(\"[^\"]*\"|\S+)")
_WORD = re.compile(r"\w+")


class PlainBM25:
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
        """Message-IDs, best first. Of the search language it knows words, from: and subject:; dates it passes over."""
        needed = [
            f'{"sender" if field == "from" else "subject"} : "{" ".join(_WORD.findall(value))}"'
            for field, value in _FILTER.findall(query)
            if field in {"from", "subject"}
        ]
        words = [f'"{word}"' for word in _WORD.findall(_FILTER.sub(" ", query))]
        found: dict[str, None] = {}
        for joint in (" AND ", " OR "):
            expression = " AND ".join([*needed, *([f"({joint.join(words)})"] if words else [])])
            if expression:
                found |= dict.fromkeys(self._ask(expression, limit))
        return list(found)[:limit]

    def _ask(self, expression: str, limit: int) -> list[str]:
        rows = self._connection.execute(
            "SELECT id FROM mail WHERE mail MATCH ? ORDER BY bm25(mail) LIMIT ?", (expression, limit)
        )
        return [identifier for (identifier,) in rows]
