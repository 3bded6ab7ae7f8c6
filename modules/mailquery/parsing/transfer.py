"""Content-Transfer-Encoding undone (RFC 2045, section 6), as far as damaged data allows."""

import binascii
import re
from typing import NamedTuple


class Transferred(NamedTuple):
    """`data` is decoded; `trailer` is what stood behind encoded data in clear, such as a mailing list's footer."""

    data: bytes
    trailer: bytes = b""
    intact: bool = True


_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]")
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]*={0,2}[ \t\r]*")
_LONG_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]{60,}={0,2}[ \t\r]*")
_BLANKS = b" \t\r\n"
_BAD_QUOTED = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*\r?(?:\n|\Z))")
_SOFT_BREAK_BLANKS = re.compile(rb"=[ \t]{1,100}(?=\r?\n)")
_UU_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,255})\r?\n", re.MULTILINE)


def undo_transfer_encoding(data: bytes, encoding: str) -> Transferred:
    """`encoding` is the field's value as it was written; one that is not known is taken for 8bit, not `intact`."""
    encoding = encoding.partition(";")[0].partition("(")[0].strip(" \t\r\n\"'").lower()
    if encoding in ("", "7bit", "8bit", "binary", "7-bit", "8-bit", "none", "7bits", "8bits", "us-ascii", "utf-8"):
        return Transferred(data)
    if encoding in ("base64", "base-64"):
        return _base64(data)
    if encoding in ("quoted-printable", "quotedprintable", "quoted printable", "qp"):
        return _quoted_printable(data)
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        files = uuencoded_files(data)
        return Transferred(files[0].data, intact=files[0].intact) if files else Transferred(data, intact=False)
    return Transferred(data, intact=False)


def _base64(data: bytes) -> Transferred:
    if _NOT_BASE64.search(data) is None and not _goes_on_after_padding(data):
        return _base64_digits(data)
    # Something else follows, or the digits are damaged. Lines that are wholly digits are data, up to the padding.
    end = position = 0
    for line in data.split(b"\n"):
        if not _BASE64_LINE.fullmatch(line):
            break
        position += len(line) + 1
        if line.strip():
            end = position
        if b"=" in line:
            break
    rest = data[end:]
    damaged = any(_LONG_BASE64_LINE.fullmatch(line) for line in rest.split(b"\n"))
    if end and not damaged:
        decoded = _base64_digits(data[:end])
        return Transferred(decoded.data, rest.strip(_BLANKS), decoded.intact)
    if not end and not damaged and rest.strip():
        return Transferred(data, intact=False)  # it is no base64 at all: a program that labelled clear text
    return _base64_digits(_NOT_BASE64.sub(b"", data.replace(b"=", b"")))._replace(intact=False)


def _goes_on_after_padding(data: bytes) -> bool:
    padding = data.find(b"=")
    return padding >= 0 and bool(data[padding:].translate(None, b"=" + _BLANKS))


def _base64_digits(data: bytes) -> Transferred:
    digits = data.translate(None, _BLANKS).rstrip(b"=")
    whole = len(digits) % 4 != 1
    if not whole:
        digits = digits[:-1]
    return Transferred(binascii.a2b_base64(digits + b"=" * (-len(digits) % 4)), intact=whole)


def _quoted_printable(data: bytes) -> Transferred:
    if b"=" not in data:
        return Transferred(data)
    intact = _BAD_QUOTED.search(data) is None
    # A gateway can leave blanks behind the sign of a soft line break.
    return Transferred(binascii.a2b_qp(_SOFT_BREAK_BLANKS.sub(b"=", data)), intact=intact)


class UuencodedFile(NamedTuple):
    """A file inside a text, from `start` to `end` of it in bytes."""

    filename: bytes
    data: bytes
    start: int
    end: int
    intact: bool


MAX_UUENCODED_FILES = 50


def uuencoded_files(text: bytes) -> list[UuencodedFile]:
    """Files written between `begin 644 name` and `end` in a text. A block whose lines are no such data is no file."""
    files: list[UuencodedFile] = []
    position = 0
    while len(files) < MAX_UUENCODED_FILES and (match := _UU_BEGIN.search(text, position)) is not None:
        found = _uuencoded_block(text, match)
        position = match.end()
        if found is not None:
            files.append(found)
            position = found.end
    return files


def _uuencoded_block(text: bytes, begin: re.Match[bytes]) -> UuencodedFile | None:
    data = bytearray()
    position = begin.end()
    intact = False
    lines = 0
    while position < len(text):
        newline = text.find(b"\n", position)
        next_line = len(text) if newline < 0 else newline + 1
        line = text[position:next_line].rstrip(b"\r\n")
        if line == b"end":
            position, intact = next_line, True
            break
        if line not in (b"`", b"", b" "):
            try:
                data += _uu_line(line)
            except binascii.Error:
                break
            lines += 1
        position = next_line
    if not lines or (not intact and lines < 3):
        return None
    return UuencodedFile(begin[1].strip(), bytes(data), begin.start(), position, intact)


def _uu_line(line: bytes) -> bytes:
    """One line of data. Some encoders write more than its length byte says, others drop blanks at its end."""
    length = (line[0] - 0x20) & 0x3F
    digits = (length + 2) // 3 * 4
    if len(line) > 90 or abs(len(line) - 1 - digits) > 4:
        raise binascii.Error("no uuencoded line")
    return binascii.a2b_uu(line[: digits + 1])
