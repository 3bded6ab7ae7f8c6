"""The contents of attachments as they are stored, and what the text index was given of them."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence

from mailquery.domain.extraction import COMPLETE_FORM, Extraction, ExtractionState, Section, SectionKind
from mailquery.domain.messages import Attachment
from mailquery.domain.policy import Readable
from mailquery.repositories.compression import pack_sections, unpack_sections
from mailquery.repositories.extracting import ReadPart
from mailquery.repositories.index_text import attached_text
from mailquery.repositories.sqlite.rows import attachment
from mailquery.repositories.sqlite.scope import ids

READABLE = 3  # the bits of attachments.given that are a `Readable`
CUT = 4
FACTS = 8  # the index was given the facts too

# The facts that people search for: what somebody wrote or chose. Counts and the names of programs are none.
_SEARCHED_FACTS = frozenset({"title", "subject", "author", "last changed by", "taken", "camera"})

_GIVEN = """
    SELECT a.message, a.part, a.filename, a.type, a.size, a.inline, a.content_id, a.given, c.facts, c.sections
    FROM attachments a CROSS JOIN contents c ON c.id = a.content
    WHERE a.message IN (SELECT value FROM json_each(?)) AND a.given & 3 > 0 ORDER BY a.message, a.position
"""
_KNOWN = "SELECT id FROM contents WHERE sha256 = ? AND form >= ? ORDER BY form DESC LIMIT 1"
_INSERT = """
    INSERT INTO contents (sha256, form, size, type, state, detail, facts, sections) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_FORGET = """
    DELETE FROM contents WHERE id IN (SELECT value FROM json_each(?))
      AND NOT EXISTS (SELECT 1 FROM attachments a WHERE a.content = contents.id)
"""
_OF_MESSAGES = """
    SELECT DISTINCT content FROM attachments
    WHERE message IN (SELECT value FROM json_each(?)) AND content IS NOT NULL
"""


Texts = dict[int, list[tuple[Attachment, list[Section]]]]


def given_sections(connection: sqlite3.Connection, rows: Iterable[int]) -> Texts:
    """By message: its attachments of which the index has text, with that text. One that is damaged is left out."""
    found: Texts = defaultdict(list)
    for row, *columns, given, facts, packed in connection.execute(_GIVEN, (ids(rows),)):
        try:
            sections = readable_sections(unpack_sections(packed), Readable(given & READABLE))
            if given & FACTS:
                sections = [*facts_section(facts), *sections]
        except ValueError:
            continue
        found[row].append((attachment(*columns), sections))
    return found


def facts_section(facts: str) -> list[Section]:
    """What the file says of itself, as text that is found; none where it says nothing. Raises ValueError where the
    column is damaged."""
    lines = [f"{name}: {value}" for name, value in json.loads(facts) if name in _SEARCHED_FACTS]
    return [Section(SectionKind.TEXT, "", "\n".join(lines))] if lines else []


def readable_sections(sections: Sequence[Section], readable: Readable) -> list[Section]:
    if readable is Readable.NOTHING:
        return []
    return [section for section in sections if readable is Readable.ALL or section.depth == 0]


def given_texts(connection: sqlite3.Connection, rows: Iterable[int]) -> dict[int, str]:
    """By message: what the index was given of its attachments, where that is anything."""
    found = given_sections(connection, rows)
    return {row: attached_text(sections for _, sections in files)[0] for row, files in found.items()}


def content_of(connection: sqlite3.Connection, part: ReadPart, form: int) -> int | None:
    """The row of a content of at least `form`, which is added where it is new; None where it is new and nothing of it
    was given."""
    known = connection.execute(_KNOWN, (part.sha256, form)).fetchone()
    if known is not None:
        return int(known[0])
    found = part.extraction
    if found is None:
        return None
    # The same without a look into its pictures may be there already.
    known = connection.execute(_KNOWN, (part.sha256, found.form)).fetchone()
    if known is not None:
        return int(known[0])
    cursor = connection.execute(
        _INSERT,
        (
            part.sha256,
            found.form,
            part.size,
            found.type,
            found.state.value,
            found.detail,
            json.dumps(found.facts, ensure_ascii=False),
            pack_sections(found.sections),
        ),
    )
    return cursor.lastrowid


def extraction(content_type: str, state: str, detail: str, facts: str, sections: bytes, form: int) -> Extraction:
    """Of the columns of `contents`. Raises ValueError where it is damaged."""
    pairs = tuple((str(name), str(value)) for name, value in json.loads(facts))
    unread = 0 < form < COMPLETE_FORM
    return Extraction(content_type, ExtractionState(state), unpack_sections(sections), pairs, detail, unread)


def contents_of(connection: sqlite3.Connection, rows: Iterable[int]) -> list[int]:
    return [content for (content,) in connection.execute(_OF_MESSAGES, (ids(rows),))]


def forget_unused(connection: sqlite3.Connection, contents: Iterable[int]) -> None:
    """Takes out those that lie in no message any more."""
    connection.execute(_FORGET, (ids(contents),))
