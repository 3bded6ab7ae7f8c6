"""The lines of a header, as the bytes have them (RFC 5322, section 2.2), within limits that no honest mail reaches."""

import re
from dataclasses import dataclass

MAX_HEADER_BYTES = 1_000_000
MAX_FIELDS = 2_000

_FIELD_START = re.compile(rb"([!-9;-~]{1,200})[ \t]{0,50}:")
_FIELD = re.compile(rb"^([!-9;-~]{1,200})[ \t]{0,50}:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)", re.MULTILINE)
_ENVELOPE = re.compile(rb">?From |[ \t]*$")
# A line without a colon among these belongs to the line before: a long value that was broken without indentation.
_KNOWN_FIELD = re.compile(
    rb"(?i)(?:from|to|cc|bcc|reply-to|sender|subject|date|message-id|in-reply-to|references|mime-version|"
    rb"content-[a-z-]+|received|return-path|delivered-to|list-[a-z-]+|x-[a-z0-9-]+|dkim-signature)[ \t]*:"
)


@dataclass(frozen=True, slots=True)
class Header:
    """Fields in their order: (name in lower case, value with its line breaks); and where the body begins.

    `complete` is False where a limit cut it, `wellformed` where a line was no field.
    """

    fields: tuple[tuple[str, bytes], ...]
    body_start: int
    complete: bool = True
    wellformed: bool = True

    def first(self, name: str) -> bytes | None:
        for field, value in self.fields:
            if field == name:
                return value
        return None

    def all(self, name: str) -> list[bytes]:
        return [value for field, value in self.fields if field == name]


def _block_end(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """(end of the header block, start of the body): the first empty line divides them."""
    if raw.startswith(b"\n", start):
        return start, start + 1
    if raw.startswith(b"\r\n", start):
        return start, start + 2
    newline = raw.find(b"\n\n", start, end)
    crlf = raw.find(b"\n\r\n", start, end if newline < 0 else newline)
    if crlf >= 0:
        return crlf + 1, crlf + 3
    if newline >= 0:
        return newline + 1, newline + 2
    return end, end


def read_header(raw: bytes, start: int, end: int) -> Header:
    """The header that begins at `start` and lies before `end`."""
    block_end, body_start = _block_end(raw, start, end)
    complete = block_end - start <= MAX_HEADER_BYTES
    block = raw[start : min(block_end, start + MAX_HEADER_BYTES)]
    fields: list[tuple[str, bytes]] = []
    position = 0
    for match in _FIELD.finditer(block):
        if match.start() != position:
            break
        fields.append((match[1].decode("ascii").lower(), match[2]))
        position = match.end()
        if len(fields) >= MAX_FIELDS:
            return Header(tuple(fields), min(body_start, end), complete and position == len(block))
    if position == len(block):
        return Header(tuple(fields), min(body_start, end), complete)
    return _read_malformed(block, start, min(body_start, end), complete)


def _read_malformed(block: bytes, start: int, body_start: int, complete: bool) -> Header:
    """A header with lines that are no fields: some are passed over, at others the body begins."""
    fields: list[tuple[str, list[bytes]]] = []
    wellformed = True
    position = start
    lines = block.removesuffix(b"\n").split(b"\n")
    for index, line in enumerate(lines):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1][1].append(line)
        elif (match := _FIELD_START.match(line)) is not None:
            if len(fields) >= MAX_FIELDS:
                complete = False
                break
            fields.append((match[1].decode("ascii").lower(), [line[match.end() :]]))
        elif not (_ENVELOPE.match(line) and not fields):
            wellformed = False
            if not fields or index + 1 >= len(lines) or not _KNOWN_FIELD.match(lines[index + 1]):
                body_start = position  # the empty line was forgotten
                break
            fields[-1][1].append(line)
        position += len(line) + 1
    return Header(tuple((name, b"\n".join(value)) for name, value in fields), body_start, complete, wellformed)


def unfold(value: bytes) -> bytes:
    """The value on one line, each line break with the blanks around it a single blank."""
    if b"\n" in value or b"\r" in value:
        value = b" ".join(line.strip(b" \t\r") for line in value.split(b"\n"))
    return value.strip()
