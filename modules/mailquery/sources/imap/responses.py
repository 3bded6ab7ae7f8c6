"""The values in an IMAP server's responses (RFC 9051, section 9)."""

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from mailquery.domain.uids import UidSet
from mailquery.sources.imap.faults import protocol_broken

# What is between literals, and literals, in turn; the first is what follows "* ".
Parts: TypeAlias = Sequence[bytes]
# An atom, a number, a string; None for NIL; a list.
Value: TypeAlias = "bytes | list[Value] | None"

_DEPTH = 60  # of lists within lists; a message of that many multiparts within each other is none
_TOKEN = re.compile(
    rb" *(?:(\()|(\))"
    rb'|"([^"\\]*(?:\\.[^"\\]*)*)"'
    rb"|((?:[^ ()\"\[\]]*\[[^\]]*\][^ ()]*)|[^ ()\"]+))",
    re.DOTALL,
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_LITERAL = re.compile(rb"~?\{(\d{1,20})\+?\}\Z")
_TEXT_ONLY = (b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH")
_NUMBERS = re.compile(rb"\d+")
_RANGE = re.compile(rb"(\d{1,10})(?::(\d{1,10}))?(?:,|\Z)")
_HIGHEST = 0xFFFFFFFF
RUNS = 500_000  # of UIDs that follow one another; each takes a hundred bytes several times over


def literal_size(text: bytes) -> int | None:
    """Bytes of the literal that a line announces at its end, if it does."""
    if not text.endswith(b"}") or text.startswith(_TEXT_ONLY):
        return None
    found = _LITERAL.search(text, max(0, len(text) - 26))
    return int(found[1]) if found else None


def values(parts: Parts) -> list[Value]:
    """
    Raises:
        Fault: PROTOCOL where lists or strings do not end, or are too deep.
    """
    top: list[Value] = []
    stack = [top]
    for number, part in enumerate(parts):
        if number % 2:
            stack[-1].append(part)
            continue
        text = _LITERAL.sub(b"", part) if number + 1 < len(parts) else part
        _scan(text.rstrip(b" "), stack)
    if len(stack) != 1:
        raise protocol_broken("a list does not end")
    return top


def _scan(text: bytes, stack: list[list[Value]]) -> None:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise protocol_broken("a string does not end")
        at = found.end()
        opens, closes, quoted, atom = found.groups()
        if opens:
            if len(stack) > _DEPTH:
                raise protocol_broken("lists within lists without end")
            inner: list[Value] = []
            stack[-1].append(inner)
            stack.append(inner)
        elif closes:
            if len(stack) == 1:
                raise protocol_broken("a list ends that did not begin")
            stack.pop()
        elif quoted is not None:
            stack[-1].append(_ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted)
        else:
            stack[-1].append(None if atom.upper() == b"NIL" else atom)


def number(value: Value, highest: int = 0xFFFFFFFFFFFFFFFF) -> int | None:
    """None where it is none, or has too many digits."""
    if isinstance(value, bytes) and len(value) <= 20 and value.isdigit() and (found := int(value)) <= highest:
        return found
    return None


def text(value: Value) -> str:
    """As it is shown; bytes that are no UTF-8 are replaced."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def pairs(value: Value) -> Iterator[tuple[bytes, Value]]:
    """Of a list of names, in capitals, and their values."""
    if isinstance(value, list):
        for name, following in zip(value[::2], value[1::2], strict=False):
            if isinstance(name, bytes):
                yield name.upper(), following


def searched(parts: Parts) -> UidSet | None:
    """Of `SEARCH 1 2 3` and `ESEARCH (TAG "A1") UID ALL 1:3` (RFC 4731); None of any other response."""
    line = parts[0]
    kind = line[:8].upper()
    if kind.startswith(b"SEARCH"):
        return _set((int(found[0]), int(found[0])) for found in _NUMBERS.finditer(line.partition(b"(")[0], 6))
    if not kind.startswith(b"ESEARCH"):
        return None
    _, everything, ranges = line.partition(b" ALL ")
    ranges = ranges.partition(b" ")[0]
    if not everything:
        return UidSet()
    at = 0

    def read() -> Iterator[tuple[int, int]]:
        nonlocal at
        while at < len(ranges):
            found = _RANGE.match(ranges, at)
            if found is None:
                raise protocol_broken("a set of UIDs is none")
            at = found.end()
            yield int(found[1]), int(found[2] or found[1])

    return _set(read())


def _set(ranges: Iterator[tuple[int, int]]) -> UidSet:
    return UidSet.of_ranges(_runs(ranges))


def _runs(ranges: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Those that follow one another as one: a million numbers are few runs."""
    first = last = -1
    count = 0
    for start, end in ranges:
        if not 1 <= start <= _HIGHEST or not 1 <= end <= _HIGHEST:
            raise protocol_broken("a UID is out of bounds")
        if start == last + 1 <= end:
            last = end
            continue
        count += 1
        if count > RUNS:
            raise protocol_broken("its UIDs have more gaps between them than can be read")
        if last > 0:
            yield first, last
        first, last = min(start, end), max(start, end)
    if last > 0:
        yield first, last
