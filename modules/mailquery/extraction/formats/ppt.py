"""PowerPoint presentations of before 2007 (MS-PPT).

A small reader of its own: no kept library for Python reads them.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Damaged, Encrypted, Inner, LimitReached
from mailquery.extraction.ole import CompoundFile

_CONTAINER = 0xF
_SLIDE_LIST, _SLIDE_PLACE, _TEXT, _BYTES = 0x0FF0, 0x03F3, 0x0FA0, 0x0FA8
_SLIDES, _NOTES = 0, 2  # kinds of such lists
_NOTES_OF = 0x03F1
_STANDS_FOR_A_FIELD = "*"  # the number of the slide
_EDIT, _PLACES, _DOCUMENT = 0x0FF5, 0x1772, 0x03E8
_ENCRYPTED_TOKEN = 0xF3D1C4DF
_MOST_EDITS = 1_000
_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class _Record:
    instance: int
    type: int
    begin: int  # of its content
    end: int
    is_container: bool


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del budget, inner
    file = CompoundFile(data)
    stream, user = file.stream("PowerPoint Document"), file.stream("Current User")
    if not stream or len(user) < 20:
        raise Damaged("it has no presentation in it")
    token, edit = struct.unpack_from("<II", user, 12)
    if token == _ENCRYPTED_TOKEN:
        raise Encrypted
    file.properties(facts)
    places, document = _places(stream, edit)
    root = _record(stream, places.get(document, len(stream)))
    if root is None or root.type != _DOCUMENT:
        raise Damaged("it does not say where its slides are")
    notes = _notes(stream, root, places)
    slides = 0
    for outline in _children(stream, root):
        if outline.type == _SLIDE_LIST and outline.instance == _SLIDES:
            for place, number, texts in _listed(stream, outline):
                slides += 1
                shapes = _record(stream, places.get(place, len(stream)))
                shown = [*texts, *(_texts(stream, shapes) if shapes is not None else ())]
                found = [*dict.fromkeys(shown), *notes.get(number, ())]
                yield Section(SectionKind.SLIDE, str(slides), "\n".join(found))
    facts["slides"] = str(slides)


def _notes(stream: bytes, root: _Record, places: dict[int, int]) -> dict[int, list[str]]:
    """The speaker's, by the identifier of the slide that they belong to."""
    found: dict[int, list[str]] = {}
    for outline in _children(stream, root):
        if outline.type == _SLIDE_LIST and outline.instance == _NOTES:
            for place, _, _ in _listed(stream, outline):
                page = _record(stream, places.get(place, len(stream)))
                if page is None:
                    continue
                for child in _children(stream, page):
                    if child.type == _NOTES_OF and child.end - child.begin >= 4:
                        (slide,) = struct.unpack_from("<I", stream, child.begin)
                        texts = (text for text in _texts(stream, page) if text.strip() != _STANDS_FOR_A_FIELD)
                        found.setdefault(slide, []).extend(texts)
    return found


def _places(stream: bytes, edit: int) -> tuple[dict[int, int], int]:
    """Where what is referred to by number lies now, and the document's number: each saving adds to the file, and what
    it says goes before what was saved earlier (MS-PPT, section 2.1.2)."""
    found: dict[int, int] = {}
    document = 0
    seen: set[int] = set()
    while edit and edit not in seen and len(seen) < _MOST_EDITS:
        seen.add(edit)
        record = _record(stream, edit)
        if record is None or record.type != _EDIT or record.end - record.begin < 20:
            raise Damaged("it does not say where its slides are")
        earlier, directory, number = struct.unpack_from("<III", stream, record.begin + 8)
        document = document or number
        if record.end - record.begin >= 32:
            raise Encrypted
        listed = _record(stream, directory)
        if listed is not None and listed.type == _PLACES:
            for key, offset in _directory(stream, listed):
                found.setdefault(key, offset)
        edit = earlier
    return found, document


def _directory(stream: bytes, record: _Record) -> Iterator[tuple[int, int]]:
    at = record.begin
    while at + 4 <= record.end:
        (head,) = struct.unpack_from("<I", stream, at)
        first, count = head & 0xFFFFF, head >> 20
        at += 4
        for number in range(count):
            if at + 4 > record.end:
                return
            yield first + number, struct.unpack_from("<I", stream, at)[0]
            at += 4


def _record(stream: bytes, at: int) -> _Record | None:
    if at < 0 or at + 8 > len(stream):
        return None
    head, kind, length = struct.unpack_from("<HHI", stream, at)
    return _Record(head >> 4, kind, at + 8, min(at + 8 + length, len(stream)), head & 0xF == _CONTAINER)


def _children(stream: bytes, record: _Record) -> Iterator[_Record]:
    at = record.begin
    while at < record.end and (child := _record(stream, at)) is not None:
        yield child
        at = child.end


def _listed(stream: bytes, outline: _Record) -> Iterator[tuple[int, int, list[str]]]:
    """For each slide, its number in the directory, its identifier, and the text of its outline, which follows it."""
    place = number = 0
    texts: list[str] | None = None
    for record in _children(stream, outline):
        if record.type == _SLIDE_PLACE and record.end - record.begin >= 16:
            if texts is not None:
                yield place, number, texts
            place, number, texts = *struct.unpack_from("<I8xI", stream, record.begin), []
        elif texts is not None and (text := _text(stream, record)) is not None:
            texts.append(text)
    if texts is not None:
        yield place, number, texts


def _texts(stream: bytes, record: _Record, depth: int = 0) -> Iterator[str]:
    if depth > _DEEPEST:
        raise LimitReached(f"{_DEEPEST} records inside each other")
    for child in _children(stream, record):
        if (text := _text(stream, child)) is not None:
            yield text
        elif child.is_container or child.type == 0xF00D:  # the text of a shape
            yield from _texts(stream, child, depth + 1)


def _text(stream: bytes, record: _Record) -> str | None:
    content = stream[record.begin : record.end]
    if record.type == _TEXT:
        return content.decode("utf-16-le", "replace").replace("\r", "\n").replace("\x0b", "\n")
    if record.type == _BYTES:
        return content.decode("latin-1").replace("\r", "\n").replace("\x0b", "\n")
    return None
