"""HWP 5, the format of the Korean word processor of Hancom, as its maker has published it (한글 문서 파일 형식 5.0).

A small reader of its own: the library for it (pyhwp) has had no release since 2020 and is under the AGPL.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Damaged, Encrypted, Inner
from mailquery.extraction.markup import Flow
from mailquery.extraction.ole import CompoundFile

_SIGNATURE = b"HWP Document File"
_COMPRESSED, _PASSWORD, _FOR_DISTRIBUTION = 1, 2, 4
_PARAGRAPH_TEXT, _LIST, _TABLE = 67, 72, 77
_LONG = 0xFFF  # a size that does not fit into the head of its record stands behind it
_CHUNK = 64 * 1024
# Characters below 32 are controls: those that stand for themselves, and those that are followed by seven more units.
_SINGLE = {0: "", 10: "\n", 13: "\n", 24: "-", 25: "", 26: "", 27: "", 28: "", 29: "", 30: " ", 31: " "}
_TAB = 9
_CONTROL_UNITS = 8


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del inner
    file = CompoundFile(data)
    header = file.stream("FileHeader")
    if not header.startswith(_SIGNATURE) or len(header) < 40:
        raise Damaged("it has no header of its format")
    (flags,) = struct.unpack_from("<I", header, 36)
    if flags & _PASSWORD:
        raise Encrypted
    if flags & _FOR_DISTRIBUTION:
        raise Encrypted("it is locked for distribution")
    file.properties(facts)
    names = sorted(
        (int(match[1]), path) for path in file.paths if (match := re.fullmatch(r"BodyText/Section(\d{1,6})", path))
    )
    if not names:
        raise Damaged("it has no text in it")
    facts["sections"] = str(len(names))
    for number, path in names:
        content = file.stream(path)
        if flags & _COMPRESSED:
            content = b"".join(_inflated(content, budget))
        yield Section(SectionKind.TEXT, f"section{number}", _body(content))


def _inflated(data: bytes, budget: Budget) -> Iterator[bytes]:
    budget.expand(len(data), 0)
    stream = zlib.decompressobj(-15)
    try:
        while data and not stream.eof:
            part = stream.decompress(data, _CHUNK)
            budget.expand(0, len(part))
            yield part
            data = stream.unconsumed_tail
    except zlib.error as error:
        raise Damaged("its text is broken") from error


@dataclass(frozen=True, slots=True)
class _Record:
    tag: int
    level: int
    content: bytes


def _records(data: bytes) -> Iterator[_Record]:
    at = 0
    while at + 4 <= len(data):
        (head,) = struct.unpack_from("<I", data, at)
        at += 4
        size = head >> 20
        if size == _LONG:
            if at + 4 > len(data):
                return
            (size,) = struct.unpack_from("<I", data, at)
            at += 4
        yield _Record(head & 0x3FF, head >> 10 & 0x3FF, data[at : at + size])
        at += size


def _body(data: bytes) -> str:
    """The text of each paragraph, with those of a table's cells in rows. A cell is a list of paragraphs at the level of
    its table; what lies less deep is behind the table."""
    flow = Flow()
    tables: list[tuple[int, int]] = []  # level, and the row that is open; -1 before the first one
    for record in _records(data):
        while tables and record.level < tables[-1][0]:
            if tables.pop()[1] >= 0:
                flow.end_cell()
                flow.end_row()
        if record.tag == _TABLE:
            tables.append((record.level, -1))
        elif record.tag == _LIST and tables and record.level == tables[-1][0] and len(record.content) >= 12:
            level, row = tables[-1]
            (following,) = struct.unpack_from("<H", record.content, 10)
            if row >= 0:
                flow.end_cell()
            if following != row:
                if row >= 0:
                    flow.end_row()
                flow.begin_row()
            flow.begin_cell()
            tables[-1] = (level, following)
        elif record.tag == _PARAGRAPH_TEXT:
            flow.add(_text(record.content).rstrip("\n"))
            flow.end_paragraph()
    while tables:
        if tables.pop()[1] >= 0:
            flow.end_cell()
            flow.end_row()
    return flow.text()


def _text(units: bytes) -> str:
    found: list[bytes] = []
    at = 0
    while at + 2 <= len(units):
        unit = units[at] | units[at + 1] << 8
        if unit >= 32:
            found.append(units[at : at + 2])
            at += 2
        elif unit in _SINGLE:
            found.append(_SINGLE[unit].encode("utf-16-le"))
            at += 2
        else:
            if unit == _TAB:
                found.append("\t".encode("utf-16-le"))
            at += 2 * _CONTROL_UNITS
    return b"".join(found).decode("utf-16-le", "replace")
