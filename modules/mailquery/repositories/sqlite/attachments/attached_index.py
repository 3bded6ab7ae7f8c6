"""Changing what the text index has of a message's attachments, within the caller's transaction."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from mailquery.domain.extraction import Section
from mailquery.domain.policy import Policy, Readable
from mailquery.repositories.compression import unpack_sections
from mailquery.repositories.index_text import attached_text
from mailquery.repositories.prepared import IndexText
from mailquery.repositories.sqlite.attachments.contents import CUT, FACTS, READABLE, facts_section, readable_sections
from mailquery.repositories.sqlite.completing import move
from mailquery.repositories.sqlite.index_removal import (
    forget_words,
    indexes,
    is_indexed,
    is_indexed_as,
    make_again,
    take_out,
)
from mailquery.repositories.sqlite.index_rows import has_attached, put_in
from mailquery.repositories.sqlite.vocabulary import Vocabulary

_ATTACHMENTS = """
    SELECT a.position, a.type, a.filename, c.type, c.facts, c.sections
    FROM attachments a LEFT JOIN contents c ON c.id = a.content WHERE a.message = ? ORDER BY a.position
"""


class AttachedText:
    """What the index has of the attachments of one message. Made before they are changed, and `settle`d after."""

    def __init__(self, connection: sqlite3.Connection, row: int) -> None:
        self._connection = connection
        self._row = row
        self._before = make_again(connection, [row]).get(row)

    def settle(self, policy: Policy) -> bool:
        """Gives the index what `policy` lets out of them now. Whether it has another text than before."""
        after = self._give(policy)
        if self._before is None:  # its body is damaged: nothing can be put beside it
            return False
        text, values = self._before
        if text.attached == after:
            return False
        now = replace(text, attached=after), (*values[:-1], after)
        self._rewrite(now)
        return True

    def _give(self, policy: Policy) -> str:
        files: list[Sequence[Section]] = []
        given: list[tuple[int, Readable]] = []
        found = self._connection.execute(_ATTACHMENTS, (self._row,)).fetchall()
        for position, content_type, filename, found_type, facts, packed in found:
            readable = Readable.NOTHING
            if packed is not None:
                readable = policy.readable(content_type, filename, found_type)
            given.append((position, readable))
            files.append(_sections(packed, facts, readable))
        text, cut = attached_text(files)
        self._connection.executemany(
            "UPDATE attachments SET given = ? WHERE message = ? AND position = ?",
            [
                (readable | FACTS | (CUT if missing else 0), self._row, position)
                for (position, readable), missing in zip(given, cut, strict=True)
            ],
        )
        return text

    def _rewrite(self, now: tuple[IndexText, tuple[str, ...]]) -> None:
        assert self._before is not None
        connection, row = self._connection, self._row
        text, values = self._before
        having = [tables for tables in indexes(connection) if has_attached(connection, tables)]
        having = [tables for tables in having if is_indexed(connection, tables, row)]
        if not text.attached:
            # One that cannot be taken out has the words of before, and is put right when the index is made anew.
            having = [tables for tables in having if is_indexed_as(connection, tables, row, values)]
        left = {each for tables in having for each in take_out(connection, tables, [row], {row: values})}
        if left:
            (date,) = connection.execute("SELECT date FROM messages WHERE id = ?", (row,)).fetchone()
            row = move(connection, row, date)
        for tables in having:
            put_in(connection, tables, [(row, now[1])])
            Vocabulary(tables.words).add(connection, [IndexText("", "", "", "", "", now[0].attached)])
        if text.attached:
            for tables in having:
                forget_words(connection, tables, [IndexText("", "", "", "", "", text.attached)])
            # What was remembered of words may be wrong.
            connection.execute("UPDATE facts SET value = value + 1 WHERE name = 'removals'")


def _sections(packed: bytes | None, facts: str, readable: Readable) -> Sequence[Section]:
    if packed is None or readable is Readable.NOTHING:
        return ()
    try:
        return [*facts_section(facts), *readable_sections(unpack_sections(packed), readable)]
    except ValueError:  # damaged
        return ()


def readable_now(policy: Policy, content_type: str, filename: str, found_type: str | None, given: int) -> bool:
    """Whether the index has what the policy lets out."""
    return policy.readable(content_type, filename, found_type or "") == given & READABLE
