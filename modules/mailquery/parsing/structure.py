"""The tree of MIME parts (RFC 2046, section 5), found by position in the raw bytes.

Python's own parser is exact and quick on honest mail, but a sender can make it take minutes: its parameter reader is
quadratic in the length of a Content-Type, and every line is compared with every open boundary. Here the work is bounded
by `MAX_DEPTH` passes over the bytes whatever they are. The tests hold this one to the standard library's answers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mailquery.parsing.fields import Header, read_header, unfold
from mailquery.parsing.parameters import read_parameters, read_type

MAX_DEPTH = 20
MAX_PARTS = 1_000
_MAX_DELIMITERS = 20_000  # candidates looked at in one message
_MAX_BOUNDARY_CHARACTERS = 250  # the standard has 70

# A first boundary line and the field behind it, where the header does not name the boundary.
_GUESS = re.compile(rb"(?:\A|\n)--([!-~]{1,200})[ \t]{0,20}\r?\n(?=Content-)", re.IGNORECASE)
_GUESS_WITHIN = 20_000


@dataclass(slots=True)
class Part:
    """A part: its header, and where in the raw bytes its content lies.

    `number` is the one of IMAP (RFC 9051, section 6.4.5.1). The root of a multipart message has none: "".
    """

    number: str
    header: Header
    content_type: str
    start: int
    end: int
    parent_type: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    disposition: str = ""
    disposition_parameters: dict[str, str] = field(default_factory=dict)
    children: list["Part"] = field(default_factory=list)

    @property
    def transfer_encoding(self) -> str:
        value = self.header.first("content-transfer-encoding")
        return value.decode("latin-1") if value is not None else ""

    @property
    def charset(self) -> str:
        return self.parameters.get("charset", "")

    def leaves(self) -> Iterator["Part"]:
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


@dataclass(slots=True)
class Structure:
    root: Part
    faults: list[str]  # what was wrong with the MIME structure, for people
    truncated: bool  # a multipart ends without its last boundary


def read_structure(raw: bytes) -> Structure:
    """The parts of a message. Whatever is wrong with it, there is a root."""
    return _StructureReader(raw).read()


class _StructureReader:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._parts = 0
        self._delimiters = 0
        self._faults: dict[str, None] = {}
        self._truncated = False

    def read(self) -> Structure:
        header = read_header(self._raw, 0, len(self._raw))
        root = self._part("", header, len(self._raw), default="text/plain", parent="")
        self._divide(root, depth=1)
        if not root.children:
            root.number = "1"
        return Structure(root, list(self._faults), self._truncated)

    def _part(self, number: str, header: Header, end: int, *, default: str, parent: str) -> Part:
        self._parts += 1
        type_value = header.first("content-type")
        content_type = read_type(type_value)
        if content_type is None:
            # A type that cannot be read ("text", "plain") is text (RFC 2045, section 5.2).
            content_type = default if type_value is None else "text/plain"
        part = Part(number, header, content_type, header.body_start, end, parent, read_parameters(type_value))
        disposition = header.first("content-disposition")
        if disposition is not None:
            kind = unfold(disposition[:200]).partition(b";")[0].strip().decode("latin-1").lower()
            part.disposition = kind if kind.isascii() else "attachment"
            part.disposition_parameters = read_parameters(disposition)
        return part

    def _divide(self, part: Part, depth: int) -> None:
        if not part.content_type.startswith("multipart/"):
            return
        if depth > MAX_DEPTH:
            self._faults["the parts are nested too deeply"] = None
            part.content_type = "application/octet-stream"
            return
        regions = self._regions(part)
        default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
        for index, (start, end) in enumerate(regions, start=1):
            if self._parts >= MAX_PARTS:
                self._faults[f"there are more than {MAX_PARTS} parts"] = None
                break
            number = f"{part.number}.{index}" if part.number else str(index)
            child = self._part(
                number, read_header(self._raw, start, end), end, default=default, parent=part.content_type
            )
            part.children.append(child)
            self._divide(child, depth + 1)
        if not part.children:
            part.content_type = "text/plain"

    def _regions(self, part: Part) -> list[tuple[int, int]]:
        boundary = part.parameters.get("boundary", "").rstrip()
        if boundary and len(boundary) <= _MAX_BOUNDARY_CHARACTERS:
            regions = self._split(part, boundary.encode("utf-8", "replace"))
            if regions:
                return regions
        guess = _GUESS.search(self._raw[part.start : min(part.end, part.start + _GUESS_WITHIN)])
        regions = self._split(part, guess[1]) if guess is not None else []
        self._faults["a multipart does not name the boundary that it uses" if regions else
                     "a multipart has no boundary"] = None  # fmt: skip
        return regions

    def _split(self, part: Part, boundary: bytes) -> list[tuple[int, int]]:
        """The regions between delimiter lines (RFC 2046, section 5.1.1). The break before a delimiter belongs to it."""
        raw, end = self._raw, part.end
        delimiter = b"--" + boundary
        regions: list[tuple[int, int]] = []
        opened: int | None = None
        position = part.start
        while True:
            at_start = position == part.start and raw.startswith(delimiter, position, end)
            found = position if at_start else raw.find(b"\n" + delimiter, max(position - 1, part.start), end) + 1
            if not at_start and found == 0:
                break
            self._delimiters += 1
            if self._delimiters > _MAX_DELIMITERS:
                self._faults["there are too many boundary lines"] = None
                break
            line_end = raw.find(b"\n", found, end)
            line_end = end if line_end < 0 else line_end
            rest = raw[found + len(delimiter) : min(line_end, found + len(delimiter) + 200)].strip(b" \t\r")
            position = min(line_end + 1, end)
            if rest not in (b"", b"--"):
                if position >= end:
                    break
                continue
            if opened is not None:
                regions.append((opened, self._before_break(opened, found)))
            if rest == b"--" and opened is not None:
                return regions
            opened = position
            if len(regions) >= MAX_PARTS or position >= end:
                break
        if opened is not None:
            self._truncated = True
            if opened < end:
                regions.append((opened, end))
        return regions

    def _before_break(self, start: int, found: int) -> int:
        end = found - 1  # the line feed
        if end > start and self._raw[end - 1] == 0x0D:
            end -= 1
        return max(start, end)
