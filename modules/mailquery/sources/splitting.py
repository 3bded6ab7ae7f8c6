"""Splits the bytes of an mbox into messages: one pass, forwards, and memory for one message.

A message begins at a From_ line (`from_lines`) that stands after a blank line or at the start of the file; without a
blank line it must be a complete one with a header field behind it. `Content-Length` (mboxcl, mboxcl2) decides only
where it leads to a From_ line or to the end of the file, since in other files it is stale or was set by the sender.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailquery.sources.from_lines import MAX_FROM_LINE, Grade, begins_header, grade
from mailquery.sources.streams import ByteStream, Damaged

_BLOCK = 1 << 20
_LARGEST_BLOCK = 8 << 20  # long messages are read in longer steps, so that copying stays linear
_AHEAD = MAX_FROM_LINE + 256  # a From_ line and the beginning of the line behind it
# Looking further ahead for what a length promises would let a false length cost more than it can be worth.
_LENGTH_AHEAD = 64 << 20
_LENGTH = re.compile(rb"\ncontent-length[ \t]*:[ \t]*(\d{1,12})[ \t]*\r?(?=\n)")
_HEADER_LIMIT = 1 << 20
_BOM = b"\xef\xbb\xbf"
_LINE_ENDS = re.compile(rb"(?:\r?\n){0,2}")


@dataclass(slots=True)
class Piece:
    """One message as it stands in the file, quoting and all, without the blank line that ends it."""

    offset: int  # of its From_ line, in bytes
    from_line: bytes
    data: bytes
    header_end: int  # in `data`: behind the header's last line feed
    exact: bool = False  # its Content-Length says where it ends
    too_large: bool = False
    truncated: bool = False


@dataclass(slots=True)
class Stray:
    """Bytes before the first From_ line that are no line ends."""

    offset: int
    size: int


class Splitter:
    """Iterate once for `Piece`s, and a `Stray` before them where there is one.

    `damage` is set when the stream broke off; the last piece is then `truncated`. With `sure_lengths` the file is
    known to be mboxcl or mboxcl2; otherwise lengths count as kept once one of them was right.
    """

    def __init__(self, stream: ByteStream, *, limit: int, sure_lengths: bool = False, use_lengths: bool = True) -> None:
        self._stream = stream
        self._limit = limit
        self._use_lengths = use_lengths or sure_lengths
        self._lengths_kept = sure_lengths
        self._data = b""
        self._base = 0  # the offset of _data[0] in the file
        self._first = 0  # the offset behind the byte order mark
        self._ended = False
        self.damage: Damaged | None = None

    def __iter__(self) -> Iterator[Piece | Stray]:
        stray, at = self._preamble()
        if stray is not None:
            yield stray
        while at is not None:
            piece, at = self._message(at)
            yield piece

    # --- the window on the file -------------------------------------------------------------------------------------

    @property
    def _end(self) -> int:
        return self._base + len(self._data)

    def _grow(self, keep: int) -> None:
        """Reads on and forgets what is before the offset `keep`."""
        rest = memoryview(self._data)[max(keep - self._base, 0) :]
        try:
            block = self._stream.read(min(max(_BLOCK, len(rest)), _LARGEST_BLOCK))
        except Damaged as damage:
            self.damage = damage
            block = b""
        if not block:
            self._ended = True
            return
        self._base = self._end - len(rest)
        self._data = b"".join((rest, block))

    # --- From_ lines -------------------------------------------------------------------------------------------------

    def _preamble(self) -> tuple[Stray | None, int | None]:
        while len(self._data) < 3 and not self._ended:
            self._grow(0)
        if self._data.startswith(_BOM):
            self._data, self._base = self._data[len(_BOM) :], len(_BOM)
        scan = self._first = self._base
        strays = False
        while True:
            at, scan_end = self._scan(scan)
            passed = self._data[scan - self._base : (scan_end if at is None else at) - self._base]
            strays = strays or bool(passed.strip(b"\r\n\0 \t"))
            if at is not None or (self._ended and scan_end >= self._end):
                stop = self._end if at is None else at
                return (Stray(self._first, stop - self._first) if strays else None), at
            scan = scan_end
            self._grow(max(scan - 3, self._first))

    def _scan(self, scan: int) -> tuple[int | None, int]:
        """The first From_ line at or behind `scan` in the window; or None, and how far the window is surely without."""
        data, base = self._data, self._base
        index = scan - base
        while (index := data.find(b"From ", index)) >= 0:
            before = data[index - 1] if index else 10
            if before in (10, 0):  # a line feed, or the end of a run of NULs that a crash left
                if len(data) - index < _AHEAD and not self._ended:
                    return None, base + index
                if self._is_from_line(index):
                    return base + index, base + index
            index += 5
        return None, self._end if self._ended else max(scan, self._end - 4)

    def _is_from_line(self, index: int) -> bool:
        data = self._data
        end = data.find(b"\n", index, index + MAX_FROM_LINE)
        if end < 0:
            if len(data) - index >= MAX_FROM_LINE:
                return False
            end = len(data)
        level = grade(data[index:end])
        if level is Grade.NONE:
            return False
        before = data[max(index - 3, 0) : index]
        after_blank = (
            index + self._base == self._first
            or before.endswith((b"\n\n", b"\n\r\n", b"\0"))
            or (before in (b"\n", b"\r\n") and index + self._base == self._first + len(before))
        )
        if after_blank and level is Grade.STRICT:
            return True
        if not after_blank and level is not Grade.STRICT:
            return False
        return begins_header(data, end + 1)

    # --- messages ----------------------------------------------------------------------------------------------------

    def _message(self, at: int) -> tuple[Piece, int | None]:
        """The message whose From_ line begins at `at`, which is in the window, and where the next one begins."""
        line_end = self._data.find(b"\n", at - self._base)
        start = self._base + line_end + 1 if line_end >= 0 else self._end
        from_line = self._data[at - self._base : start - self._base].rstrip(b"\r\n")
        next_at, too_large = self._next(start)
        if too_large:
            data = self._data[start - self._base : start - self._base + self._limit]
            piece = Piece(at, from_line, data, self._header_end(data), too_large=True)
            return piece, next_at if next_at is not None else self._skip(start + self._limit)
        stop = next_at if next_at is not None else self._end
        header_end = self._header_end_in_window(start, stop)
        if self._use_lengths and (promised := self._promised_end(start, header_end)) is not None:
            found = self._lands(start, promised)
            if found is not None:
                self._lengths_kept = True
                data = self._data[start - self._base : promised - self._base]
                return Piece(at, from_line, data, header_end - start, exact=True), (found if found >= 0 else None)
        else:
            promised = None
        data = _without_separator(self._data[start - self._base : stop - self._base])
        cut = next_at is None and (
            self.damage is not None or (self._lengths_kept and promised is not None and promised > self._end)
        )
        return Piece(at, from_line, data, min(header_end - start, len(data)), truncated=cut), next_at

    def _next(self, start: int) -> tuple[int | None, bool]:
        """Where the next message begins, and whether this one is longer than the limit."""
        scan = start
        while True:
            at, scan = self._scan(scan)
            reached = scan if at is None else at
            if reached - start > self._limit + 2:  # the blank line behind it
                return at, True
            if at is not None or (self._ended and scan >= self._end):
                return at, False
            # The three bytes before tell whether a From_ line right at the start stands behind a blank line.
            self._grow(max(start - 3, 0))

    def _skip(self, scan: int) -> int | None:
        while True:
            at, scan = self._scan(scan)
            if at is not None or (self._ended and scan >= self._end):
                return at
            self._grow(max(scan - 3, 0))

    def _header_end_in_window(self, start: int, stop: int) -> int:
        first, last = start - self._base, stop - self._base
        if self._data.startswith((b"\n", b"\r\n"), first, last):
            return start
        end = self._data.find(b"\n\n", first, last)
        crlf = self._data.find(b"\n\r\n", first, last if end < 0 else end)
        end = crlf if crlf >= 0 else end
        return stop if end < 0 else self._base + end + 1

    def _header_end(self, data: bytes) -> int:
        ends = [end for end in (data.find(b"\n\n"), data.find(b"\n\r\n")) if end >= 0]
        return min(ends) + 1 if ends else len(data)

    # --- Content-Length ----------------------------------------------------------------------------------------------

    def _promised_end(self, start: int, header_end: int) -> int | None:
        """The offset at which the body ends by its Content-Length."""
        if header_end - start > _HEADER_LIMIT:
            return None
        # From the line feed of the From_ line on, so that the first field is found like the others.
        first = max(start - self._base - 1, 0)
        header = self._data[first : header_end - self._base].lower()
        if b"content-length" not in header:
            return None
        found = _LENGTH.findall(header)
        body = header_end - self._base
        if not found or not self._data.startswith((b"\n", b"\r\n"), body):
            return None
        body += 2 if self._data[body : body + 1] == b"\r" else 1
        return self._base + body + int(found[-1])

    def _lands(self, start: int, promised: int) -> int | None:
        """The offset of the From_ line to which a length leads, -1 for the end of the file, None for neither."""
        if promised - start > min(self._limit, _LENGTH_AHEAD):
            return None
        while self._end < promised + _AHEAD and not self._ended:
            self._grow(max(start - 3, 0))
        index = promised - self._base
        if index > len(self._data) or self.damage is not None:
            return None
        gap = _LINE_ENDS.match(self._data, index)
        assert gap is not None  # it matches nothing too
        if gap.end() == len(self._data):
            return -1
        if not self._data.startswith(b"From ", gap.end()) or self._data[gap.end() - 1] != 10:
            return None
        end = self._data.find(b"\n", gap.end(), gap.end() + MAX_FROM_LINE)
        line = self._data[gap.end() : end if end >= 0 else gap.end() + MAX_FROM_LINE]
        return self._base + gap.end() if grade(line) is not Grade.NONE else None


def _without_separator(data: bytes) -> bytes:
    """`data` without the one blank line that separates messages, and without NULs that a crash left in its place."""
    if data.endswith(b"\0"):
        data = data.rstrip(b"\0")
    if data.endswith(b"\n\r\n"):
        return data[:-2]
    if data.endswith(b"\n\n") or data == b"\n":
        return data[:-1]
    return b"" if data == b"\r\n" else data
