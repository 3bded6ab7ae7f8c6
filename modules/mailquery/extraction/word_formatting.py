"""How characters of Word documents of before 2007 look, as far as it decides whether they are seen (MS-DOC)."""

import struct
from bisect import bisect_right
from collections.abc import Iterator
from enum import Enum

_PLACES_AT = 0xFA  # FibRgFcLcb97.fcPlcfBteChpx (section 2.5.6)
_PAGE = 512  # bytes of a ChpxFkp (section 2.9.33)
_MOST_PAGES = 50_000
_HIDDEN, _DELETED = 0x083C, 0x0800  # sprmCFVanish, sprmCFRMarkDel (section 2.6.1)
_ON = (0x01, 0x81)  # of a ToggleOperand: set, and the opposite of its style (section 2.9.327)
_SIZES = (1, 1, 2, 4, 2, 2, -1, 3)  # of an operand, by the highest bits of its sprm; -1 is told by the operand
_TABLE = 0xD608  # its operand is told by two bytes


class Look(Enum):
    SEEN = 0
    HIDDEN = 1
    DELETED = 2


class Looks:
    """`document` is the stream of the text, and `table` the one of its tables. What cannot be read counts as seen."""

    def __init__(self, document: bytes, table: bytes) -> None:
        runs: dict[int, tuple[int, Look]] = {}
        for page in _pages(document, table):
            for start, end, look in _runs(document[page * _PAGE : (page + 1) * _PAGE]):
                if look is not Look.SEEN and start < end:
                    runs[start] = end, look
        self._starts = sorted(runs)
        self._runs = [runs[start] for start in self._starts]

    def between(self, start: int, end: int) -> Iterator[tuple[Look, int, int]]:
        """The stretches of the bytes from `start` to `end`, each with its look."""
        at = start
        number = max(0, bisect_right(self._starts, start) - 1)
        while number < len(self._starts) and self._starts[number] < end:
            begin, (stop, look) = self._starts[number], self._runs[number]
            number += 1
            if stop <= at:
                continue
            if begin > at:
                yield Look.SEEN, at, begin
            begin = max(begin, at)
            at = min(stop, end)
            yield look, begin, at
        if at < end:
            yield Look.SEEN, at, end


def _pages(document: bytes, table: bytes) -> Iterator[int]:
    """The numbers of the pages with the formatting of characters (PlcBteChpx, section 2.8.5)."""
    start, size = struct.unpack_from("<II", document, _PLACES_AT)
    places = table[start : start + size]
    count = min((len(places) - 4) // 8, _MOST_PAGES)
    if count > 0:
        for number in struct.unpack_from(f"<{count}I", places, 4 * (count + 1)):
            yield number & 0x3FFFFF


def _runs(page: bytes) -> Iterator[tuple[int, int, Look]]:
    """Of one page: from which byte to which, and how it looks."""
    if len(page) < _PAGE:
        return
    count = page[_PAGE - 1]
    if 4 * (count + 1) + count >= _PAGE:
        return
    bounds = struct.unpack_from(f"<{count + 1}I", page)
    for number in range(count):
        place = 2 * page[4 * (count + 1) + number]
        if place:
            yield bounds[number], bounds[number + 1], _look(page[place + 1 : place + 1 + page[place]])


def _look(changes: bytes) -> Look:
    """What a list of changes (sprms, section 2.2.5.1) makes of text."""
    hidden = deleted = False
    at = 0
    while at + 3 <= len(changes):
        (sprm,) = struct.unpack_from("<H", changes, at)
        operand = changes[at + 2]
        if sprm == _HIDDEN:
            hidden = operand in _ON
        elif sprm == _DELETED:
            deleted = operand in _ON
        size = _SIZES[sprm >> 13]
        if sprm == _TABLE:
            size = 1 + int.from_bytes(changes[at + 2 : at + 4], "little")
        elif size < 0:
            size = 1 + operand
        at += 2 + size
    return Look.DELETED if deleted else Look.HIDDEN if hidden else Look.SEEN
