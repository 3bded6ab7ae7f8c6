"""Word documents of before 2007 (MS-DOC).

A small reader of its own: no kept library for Python reads them. Text is told apart as hidden, and left out as deleted,
by its own formatting; a style that hides it is not looked at.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Damaged, Encrypted, Inner
from mailquery.extraction.ole import CompoundFile
from mailquery.extraction.word_formatting import Look, Looks

_MAGIC = 0xA5EC
_ENCRYPTED, _TABLE_1 = 0x0100, 0x0200
_FLAGS_AT, _CLX_AT = 0x0A, 0x01A2
_PIECES, _FORMATTING = 0x02, 0x01
_IN_CP1252 = 0x40000000
_FIELD = re.compile("\x13[^\x13\x14\x15]*\x14|\x13[^\x13\x14\x15]*\x15|\x15")  # what makes a field's text, not the text
_MARKS = str.maketrans({"\r": "\n", "\x0b": "\n", "\x0c": "\n", "\x1e": "-", "\x1f": "", "\xa0": " "})
_UNSHOWN = re.compile("[\x00-\x08\x0e-\x1f]")
_CELLS = re.compile("\x07{2}")  # the last cell of a row, and the row's own mark
_DEEPEST_FIELD = 20


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del budget, inner
    file = CompoundFile(data)
    document = file.stream("WordDocument")
    if len(document) < _CLX_AT + 8 or struct.unpack_from("<H", document)[0] != _MAGIC:
        raise Damaged("it has no header of its format, or is older than Word 97")
    (flags,) = struct.unpack_from("<H", document, _FLAGS_AT)
    if flags & _ENCRYPTED:
        raise Encrypted
    file.properties(facts)
    table = file.stream("1Table" if flags & _TABLE_1 else "0Table")
    start, size = struct.unpack_from("<II", document, _CLX_AT)
    looks = Looks(document, table)
    shown: list[str] = []
    hidden: list[str] = []
    for piece in _pieces(document, table[start : start + size]):
        for look, begin, end in looks.between(piece.start, piece.end):
            if look is not Look.DELETED:
                (hidden if look is Look.HIDDEN else shown).append(piece.text(document, begin, end))
    yield Section(SectionKind.TEXT, "", _readable("".join(shown)))
    yield Section(SectionKind.TEXT, "hidden text", _readable("".join(hidden)))


@dataclass(frozen=True, slots=True)
class _Piece:
    """Where in the stream some of the text lies, in bytes, and how it is encoded."""

    start: int
    end: int
    encoding: str

    def text(self, document: bytes, start: int, end: int) -> str:
        return document[start:end].decode(self.encoding, "replace")


def _pieces(document: bytes, clx: bytes) -> Iterator[_Piece]:
    """The document's text in its order, which the piece table tells (MS-DOC, section 2.4.1)."""
    at = 0
    while at + 3 <= len(clx) and clx[at] == _FORMATTING:
        at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
    if at + 5 > len(clx) or clx[at] != _PIECES:
        raise Damaged("it does not say where its text is")
    (size,) = struct.unpack_from("<I", clx, at + 1)
    table = clx[at + 5 : at + 5 + size]
    count = (len(table) - 4) // 12
    if count < 1:
        raise Damaged("it does not say where its text is")
    positions = struct.unpack_from(f"<{count + 1}I", table)
    for number in range(count):
        length = positions[number + 1] - positions[number]
        (place,) = struct.unpack_from("<I", table, 4 * (count + 1) + 8 * number + 2)
        if length < 0:
            raise Damaged("its text is out of order")
        if place & _IN_CP1252:
            begin = (place & ~_IN_CP1252) // 2
            yield _Piece(begin, min(begin + length, len(document)), "cp1252")
        else:
            yield _Piece(place, min(place + 2 * length, len(document)), "utf-16-le")


def _readable(text: str) -> str:
    for _ in range(_DEEPEST_FIELD):  # fields lie in each other
        text, changed = _FIELD.subn("", text)
        if not changed:
            break
    text = _CELLS.sub("\n", text).replace("\x07", "\t")
    return _UNSHOWN.sub("", text.translate(_MARKS))
